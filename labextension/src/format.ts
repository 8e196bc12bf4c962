import { Metric, Parameter, RunSummary } from './contract';

/** The first characters of a digest, as people compare them. */
export function shortDigest(digest: string): string {
  return digest.slice(0, 8);
}

/** A class's own name: `sklearn.svm.SVC` is `SVC`. */
export function className(path: string): string {
  return path.slice(path.lastIndexOf('.') + 1);
}

/** A number to four significant places, whole numbers whole. */
export function number(value: number): string {
  if (Number.isInteger(value)) {
    return value.toLocaleString('en-US');
  }
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-4
    ? value.toExponential(3)
    : size >= 1
      ? String(Number(value.toPrecision(5)))
      : value.toFixed(4);
}

/** A parameter's or metric's value as its library would print it. */
export function plain(value: Parameter['value']): string {
  if (value === null) {
    return 'None';
  }
  if (typeof value === 'boolean') {
    return value ? 'True' : 'False';
  }
  return typeof value === 'number' ? String(value) : value;
}

/** The same, a number to six significant places: what fits beside its name. */
export function brief(value: Parameter['value']): string {
  return typeof value === 'number'
    ? String(Number(value.toPrecision(6)))
    : plain(value);
}

/** Seconds as a person says them. */
export function duration(seconds: number): string {
  if (seconds < 1) {
    return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  }
  if (seconds < 60) {
    return `${seconds.toFixed(1)} s`;
  }
  const minutes = Math.floor(seconds / 60);
  return minutes < 60
    ? `${minutes} min ${Math.round(seconds % 60)} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** The time of day, with the date before it unless it was today. */
export function when(instant: string, today = new Date()): string {
  const at = new Date(instant);
  const time = at.toLocaleTimeString([], {
    hour: '2-digit',
    minute: '2-digit'
  });
  return at.toDateString() === today.toDateString()
    ? time
    : `${at.toLocaleDateString([], { day: 'numeric', month: 'short' })}, ${time}`;
}

/** A model's parameters as a person asks for them. */
export interface IParameterGroups {
  /** Those that somebody chose. */
  readonly chosen: Parameter[];
  /** The estimators that it is put together from. */
  readonly parts: Parameter[];
  readonly defaults: Parameter[];
}

/** Parameters by what they say, each group in its own order. */
export function groupParameters(
  parameters: readonly Parameter[]
): IParameterGroups {
  const isPart = ({ value }: Parameter) =>
    typeof value === 'string' && /\w\(.*\)/s.test(value);
  const given = parameters.filter(p => !p.is_default);
  return {
    chosen: given.filter(p => !isPart(p)),
    parts: given.filter(isPart),
    defaults: parameters.filter(p => p.is_default)
  };
}

/** A parameter's name without the path to its part, unless another ends the same. */
export function shortName(
  name: string,
  parameters: readonly Parameter[]
): string {
  const last = lastOf(name);
  const same = parameters.filter(p => lastOf(p.name) === last);
  return same.length > 1 ? name : last;
}

function lastOf(name: string): string {
  return name.slice(name.lastIndexOf('__') + 1).replace(/^_/, '');
}

/** A metric's name without the data's name behind it, which is shown apart. */
export function metricName(metric: Metric): string {
  const suffix = `_${metric.data}`;
  return metric.data && metric.name.endsWith(suffix)
    ? metric.name.slice(0, -suffix.length)
    : metric.name;
}

/** A metric's name, with the data that it was computed on where that is known. */
export function metricKey(metric: Metric): string {
  const name = metricName(metric);
  return metric.data ? `${name} on ${metric.data}` : name;
}

/** Whether a greater value of a metric is better; null where its name does not tell. */
export function greaterIsBetter(name: string): boolean | null {
  if (/(loss|error|mse|rmse|mae|mape|brier|perplexity)/i.test(name)) {
    return false;
  }
  if (/(acc|auc|f1|precision|recall|score|r2|kappa|mcc)/i.test(name)) {
    return true;
  }
  return null;
}

/** How a metric moved from one run to another. */
export interface IDelta {
  readonly text: string;
  readonly verdict: 'better' | 'worse' | 'same' | 'changed';
}

/** The difference between a metric and the same metric of the first of `others` that has it. */
export function delta(
  metric: Metric,
  others: readonly RunSummary[]
): (IDelta & { readonly against: RunSummary }) | null {
  const key = metricKey(metric);
  for (const run of others) {
    const before = run.metrics.find(m => metricKey(m) === key);
    if (before && before.value !== null && metric.value !== null) {
      const moved = difference(metric.name, before.value, metric.value);
      return { ...moved, against: run };
    }
  }
  return null;
}

/** The difference between two values of the metric `name`. */
export function difference(
  name: string,
  before: number,
  after: number
): IDelta {
  const step = after - before;
  if (step === 0) {
    return { text: '±0', verdict: 'same' };
  }
  const better = greaterIsBetter(name);
  return {
    text: `${step > 0 ? '+' : '−'}${shortStep(Math.abs(step))}`,
    verdict:
      better === null ? 'changed' : step > 0 === better ? 'better' : 'worse'
  };
}

/** A difference has less room than a value: of a tiny or huge one two places say enough. */
function shortStep(size: number): string {
  return size >= 1e6 || size < 1e-4 ? size.toExponential(1) : number(size);
}
