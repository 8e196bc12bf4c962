import { Metric, RunSummary } from './contract';
import {
  IDelta,
  difference,
  groupParameters,
  metricKey,
  number,
  plain
} from './format';

/** One line of a comparison: what differs between an older run and a newer. */
export interface IDifference {
  readonly kind: 'model' | 'data' | 'parameter' | 'metric';
  readonly name: string;
  readonly older: string;
  readonly newer: string;
  readonly delta: IDelta | null;
}

const ABSENT = '–';

/** What differs between two runs: model, data, parameters, and every metric of either. */
export function compareRuns(
  older: RunSummary,
  newer: RunSummary
): IDifference[] {
  return [
    ...texts('model', [['class', older.model_class, newer.model_class]]),
    ...texts('data', pairs(inputs(older), inputs(newer))),
    ...texts('parameter', parameters(older, newer)),
    ...metrics(older, newer)
  ];
}

function texts(
  kind: IDifference['kind'],
  rows: [string, string, string][]
): IDifference[] {
  return rows
    .filter(([, before, after]) => before !== after)
    .map(([name, before, after]) => ({
      kind,
      name,
      older: before,
      newer: after,
      delta: null
    }));
}

function pairs(
  before: Map<string, string>,
  after: Map<string, string>
): [string, string, string][] {
  return [...new Set([...before.keys(), ...after.keys()])].map(name => [
    name,
    before.get(name) ?? ABSENT,
    after.get(name) ?? ABSENT
  ]);
}

function inputs(run: RunSummary): Map<string, string> {
  return new Map(run.inputs.map(i => [i.name, i.digest.slice(0, 8)]));
}

/**
 * The parameters that somebody chose in either run, and those of one class that both have: two
 * classes' defaults differ anyway, but one that a new version of a library has changed counts.
 */
function parameters(
  older: RunSummary,
  newer: RunSummary
): [string, string, string][] {
  const chosen = new Set(
    [newer, older].flatMap(run =>
      groupParameters(run.parameters).chosen.map(p => p.name)
    )
  );
  if (older.model_class === newer.model_class) {
    const known = new Set(older.parameters.map(p => p.name));
    groupParameters(newer.parameters)
      .defaults.filter(p => known.has(p.name))
      .forEach(p => chosen.add(p.name));
  }
  const values = (run: RunSummary) =>
    new Map(
      run.parameters
        .filter(p => chosen.has(p.name))
        .map(p => [p.name, plain(p.value)] as const)
    );
  return pairs(values(older), values(newer));
}

function metrics(older: RunSummary, newer: RunSummary): IDifference[] {
  const before = new Map(older.metrics.map(m => [metricKey(m), m]));
  const after = new Map(newer.metrics.map(m => [metricKey(m), m]));
  return [...new Set([...after.keys(), ...before.keys()])].map(key => {
    const [a, b] = [before.get(key), after.get(key)];
    return {
      kind: 'metric',
      name: key,
      older: text(a),
      newer: text(b),
      delta:
        typeof a?.value === 'number' && typeof b?.value === 'number'
          ? difference(b.name, a.value, b.value)
          : null
    };
  });
}

function text(metric: Metric | undefined): string {
  return typeof metric?.value === 'number' ? number(metric.value) : ABSENT;
}
