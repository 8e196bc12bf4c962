import { TranslationBundle } from '@jupyterlab/translation';
import React, { useState } from 'react';

import { RunSummary } from '../contract';
import { metricKey } from '../format';
import { comparedWith } from '../previous';
import { ComparisonView } from './comparison';
import { RunView } from './run';

const NEWEST = '';

export interface IRunsProps {
  /** Newest first. */
  runs: readonly RunSummary[];
  onReveal: (run: RunSummary) => void;
  onDismiss: (run: RunSummary) => void;
  trans: TranslationBundle;
}

/** A notebook's runs: sorted as asked, two of them compared where two are selected. */
export function RunsView(props: IRunsProps): JSX.Element {
  const { runs, onReveal, onDismiss, trans } = props;
  const [selection, setSelection] = useState<readonly string[]>([]);
  const [order, setOrder] = useState(NEWEST);
  const names = [...new Set(runs.flatMap(run => run.metrics.map(metricKey)))];
  const chosen = runs.filter(run => selection.includes(run.id));
  const select = (id: string, selected: boolean) => {
    const others = selection.filter(other => other !== id);
    setSelection(selected ? [...others.slice(-1), id] : others);
  };
  return (
    <>
      {names.length > 0 && runs.length > 1 ? (
        <label className="nbmlops-Sort">
          {trans.__('Sort by')}{' '}
          <select
            value={order}
            onChange={event => setOrder(event.target.value)}
          >
            <option value={NEWEST}>{trans.__('newest')}</option>
            {names.map(name => (
              <option key={name} value={name}>
                {name}
              </option>
            ))}
          </select>
          <span className="nbmlops-hint">
            {chosen.length === 1
              ? trans.__('select one more to compare')
              : null}
          </span>
        </label>
      ) : null}
      {chosen.length === 2 ? (
        <ComparisonView
          newer={chosen[0]}
          older={chosen[1]}
          onClose={() => setSelection([])}
          trans={trans}
        />
      ) : null}
      <ul className="nbmlops-Runs" aria-label={trans.__('Tracked runs')}>
        {sorted(runs, order).map(run => (
          <RunView
            key={run.id}
            run={run}
            others={comparedWith(run, runs.slice(runs.indexOf(run) + 1))}
            selected={selection.includes(run.id)}
            onSelect={selected => select(run.id, selected)}
            onReveal={() => onReveal(run)}
            onDismiss={() => onDismiss(run)}
            trans={trans}
          />
        ))}
      </ul>
    </>
  );
}

/** The runs by the metric `order`, greatest first, those without it last. */
function sorted(
  runs: readonly RunSummary[],
  order: string
): readonly RunSummary[] {
  if (order === NEWEST) {
    return runs;
  }
  const value = (run: RunSummary) =>
    run.metrics.find(m => metricKey(m) === order)?.value ?? -Infinity;
  return [...runs].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    return x === y ? 0 : y > x ? 1 : -1;
  });
}
