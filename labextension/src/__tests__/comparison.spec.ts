import { compareRuns } from '../comparison';
import { metric, parameter, run } from './records';

it('lists what differs and every metric', () => {
  const older = run({
    parameters: [parameter('C', 1, true), parameter('tol', 0.1)],
    metrics: [metric('auc', 0.7)]
  });
  const newer = run({
    parameters: [parameter('C', 3), parameter('tol', 0.1)],
    metrics: [metric('auc', 0.8), metric('f1', null)]
  });
  expect(compareRuns(older, newer)).toEqual([
    { kind: 'parameter', name: 'C', older: '1', newer: '3', delta: null },
    {
      kind: 'metric',
      name: 'auc',
      older: '0.7000',
      newer: '0.8000',
      delta: { text: '+0.1000', verdict: 'better' }
    },
    { kind: 'metric', name: 'f1', older: '–', newer: '–', delta: null }
  ]);
});

it('tells of defaults what a library has changed, not what one side lacks', () => {
  const older = run({ parameters: [parameter('gamma', 'auto', true)] });
  const newer = run({
    parameters: [
      parameter('gamma', 'scale', true),
      parameter('svc__C', 1, true)
    ]
  });
  expect(compareRuns(older, newer).map(row => row.name)).toEqual(['gamma']);
  const other = { ...newer, model_class: 'sklearn.svm.SVC' };
  expect(compareRuns(older, other).map(row => row.kind)).toEqual(['model']);
});

it('names changed data and another model', () => {
  const input = {
    role: 'X',
    name: 'X_train',
    kind: 'table',
    digest: 'a'.repeat(64),
    extent: [9, 2],
    files: []
  };
  const older = run({ inputs: [input] });
  const newer = run({
    model_class: 'sklearn.svm.SVC',
    inputs: [{ ...input, digest: 'b'.repeat(64) }]
  });
  expect(compareRuns(older, newer).map(d => [d.kind, d.newer])).toEqual([
    ['model', 'sklearn.svm.SVC'],
    ['data', 'bbbbbbbb']
  ]);
});
