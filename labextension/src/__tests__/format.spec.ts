import {
  brief,
  delta,
  difference,
  duration,
  greaterIsBetter,
  groupParameters,
  metricKey,
  number,
  plain,
  shortName,
  when
} from '../format';
import { metric, parameter, run } from './records';

describe('number', () => {
  it.each([
    [0, '0'],
    [11873, '11,873'],
    [0.73914, '0.7391'],
    [-0.5, '-0.5000'],
    [12.34567, '12.346'],
    [0.00001, '1.000e-5'],
    [1234567.5, '1.235e+6']
  ])('writes %p as %p', (value, text) => {
    expect(number(value)).toBe(text);
  });
});

describe('brief', () => {
  it.each([
    [9.766666666666666, '9.76667'],
    [1500, '1500'],
    [0.00001, '0.00001'],
    [true, 'True'],
    ['rbf', 'rbf']
  ])('shows %p as %p', (value, text) => {
    expect(brief(value)).toBe(text);
  });
});

describe('plain', () => {
  it.each([
    [null, 'None'],
    [true, 'True'],
    [false, 'False'],
    [0.05, '0.05'],
    ['l2', 'l2']
  ])('writes %p as Python does', (value, text) => {
    expect(plain(value)).toBe(text);
  });
});

describe('duration', () => {
  it.each([
    [0.0001, '1 ms'],
    [0.25, '250 ms'],
    [3.04, '3.0 s'],
    [125, '2 min 5 s'],
    [7260, '2 h 1 min']
  ])('says %p seconds as %p', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});

describe('when', () => {
  it('names the day unless it is today', () => {
    const at = new Date(2026, 2, 5, 14, 30);
    expect(when(at.toISOString(), at)).toMatch(/30/);
    expect(when(at.toISOString(), at)).not.toMatch(/Mar/);
    expect(when(at.toISOString(), new Date(2026, 2, 6))).toMatch(/Mar/);
  });
});

describe('groupParameters', () => {
  it('parts what was chosen from what it is made of and what was left', () => {
    const { chosen, parts, defaults } = groupParameters([
      parameter('tol', 1e-4, true),
      parameter('svc', 'SVC(C=3)'),
      parameter('svc__C', 3),
      parameter('steps', "[('svc', SVC(C=3))]"),
      parameter('svc__kernel', 'rbf (mine)')
    ]);
    expect(chosen.map(p => p.name)).toEqual(['svc__C', 'svc__kernel']);
    expect(parts.map(p => p.name)).toEqual(['svc', 'steps']);
    expect(defaults.map(p => p.name)).toEqual(['tol']);
  });
});

describe('shortName', () => {
  it('leaves the path out where the end is enough', () => {
    const all = ['svc__C', 'a__n', 'b__n', 'tol', 'x__y_'].map(name =>
      parameter(name, 1)
    );
    expect(all.map(p => shortName(p.name, all))).toEqual([
      'C',
      'a__n',
      'b__n',
      'tol',
      'y_'
    ]);
  });
});

describe('delta', () => {
  it('compares with the nearest earlier run that has the metric', () => {
    const earlier = [
      run({ metrics: [metric('brier_score_loss', 0.2, 'X_test')] }),
      run({ metrics: [metric('roc_auc_score', 0.7, 'X_test')] }),
      run({ metrics: [metric('roc_auc_score', 0.5, 'X_test')] })
    ];
    expect(delta(metric('roc_auc_score', 0.74, 'X_test'), earlier)).toEqual({
      text: '+0.0400',
      verdict: 'better',
      against: earlier[1]
    });
  });

  it('does not compare across data, or with what was not finite', () => {
    const earlier = [
      run({ metrics: [metric('auc', 0.7, 'X_train'), metric('f1', null)] })
    ];
    expect(delta(metric('auc', 0.8, 'X_test'), earlier)).toBeNull();
    expect(delta(metric('f1', 0.8), earlier)).toBeNull();
    expect(delta(metric('auc', 0.8, 'X_train'), [])).toBeNull();
  });
});

describe('difference', () => {
  it.each([
    ['accuracy', 0.7, 0.8, 'better'],
    ['accuracy', 0.8, 0.7, 'worse'],
    ['log_loss', 0.7, 0.8, 'worse'],
    ['brier_score_loss', 0.2, 0.1, 'better'],
    ['n_leaves', 3, 4, 'changed'],
    ['auc', 0.5, 0.5, 'same']
  ])('judges %s from %p to %p as %s', (name, before, after, verdict) => {
    expect(difference(name, before, after).verdict).toBe(verdict);
  });
});

it('writes a tiny difference in the room that a difference has', () => {
  expect(difference('r2', 0.9773, 0.9773 - 4.99e-5).text).toBe('−5.0e-5');
  expect(difference('r2', 0.5, 0.75).text).toBe('+0.2500');
});

it('names the data of a metric once', () => {
  expect(metricKey(metric('auc_X_test', 1, 'X_test'))).toBe('auc on X_test');
  expect(metricKey(metric('auc', 1, 'X_test'))).toBe('auc on X_test');
  expect(metricKey(metric('auc_X_test', 1))).toBe('auc_X_test');
});

it('does not guess what a name does not tell', () => {
  expect(greaterIsBetter('support')).toBeNull();
});
