import { Metric, Parameter, ReviewSummary, RunSummary } from '../contract';

/** A metric as the server sends it. */
export function metric(
  name: string,
  value: number | null,
  data: string | null = null
): Metric {
  return {
    name,
    value,
    data,
    at: '2026-01-01T12:00:00Z',
    cell_id: null,
    candidate: false,
    step: 0
  };
}

/** A parameter as the server sends it. */
export function parameter(
  name: string,
  value: Parameter['value'],
  isDefault = false
): Parameter {
  return { name, value, is_default: isDefault };
}

/** A run as the server sends it. */
export function run(change: Partial<RunSummary> = {}): RunSummary {
  return {
    id: 'run-1',
    name: 'LogisticRegression',
    author: 'ada',
    notebook: 'train.ipynb',
    started: '2026-01-01T12:00:00Z',
    duration: 1.25,
    kind: 'training',
    model_class: 'sklearn.linear_model.LogisticRegression',
    cell_id: 'fit',
    execution_count: 3,
    parameters: [],
    metrics: [],
    inputs: [],
    data_digest: 'ab'.repeat(32),
    gaps: [],
    stale: [],
    captured: 100,
    ended: '',
    delivered: true,
    page: null,
    execution_id: null,
    parent_id: null,
    dismissed_by: null,
    ...change
  };
}

/** A review as the server sends it. */
export function review(change: Partial<ReviewSummary> = {}): ReviewSummary {
  return {
    id: 'review-1',
    model_name: 'late_arrival',
    author: 'ada',
    at: '2026-01-01T12:00:00Z',
    notebook: 'late_arrival.promoted.ipynb',
    content_digest: 'cd'.repeat(32),
    status: 'waiting',
    missing: ['1 sign-off is missing by someone other than ada.'],
    approvals: 0,
    rejections: 0,
    ...change
  };
}
