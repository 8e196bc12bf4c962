import { comparedWith } from '../previous';
import { run } from './records';

const names = (runs: readonly { id: string }[]) => runs.map(r => r.id);

describe('comparedWith', () => {
  it('puts what the same cell left before first', () => {
    const earlier = [
      run({ id: 'other', cell_id: 'else' }),
      run({ id: 'another model', model_class: 'sklearn.svm.SVC' }),
      run({ id: 'mine' })
    ];
    expect(names(comparedWith(run(), earlier))).toEqual([
      'mine',
      'other',
      'another model'
    ]);
    expect(comparedWith(run({ cell_id: null }), earlier)).toEqual(earlier);
    expect(comparedWith(run({ cell_id: 'new' }), earlier)).toEqual(earlier);
  });

  it('holds the second run of a loop against the second of the loop before', () => {
    const loop = (parent_id: string, count: number) =>
      Array.from({ length: count }, (_, n) =>
        run({ id: `${parent_id}${n + 1}`, parent_id })
      ).reverse();
    const [third, ...rest] = [...loop('b', 3), ...loop('a', 2)];
    const [second, ...others] = rest;
    expect(comparedWith(second, others)[0].id).toBe('a2');
    expect(comparedWith(others[0], others.slice(1))[0].id).toBe('a1');
    expect(comparedWith(third, rest)[0].id).toBe('a2');
  });
});
