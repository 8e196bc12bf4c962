import { nullTranslator } from '@jupyterlab/translation';
import React, { act } from 'react';
import { createRoot, Root } from 'react-dom/client';

import { IRecordsState } from '../model';
import { IPanelProps, PanelView } from '../views/panel';
import { metric, parameter, review, run } from './records';

const trans = nullTranslator.load('nbmlops');

describe('PanelView', () => {
  let node: HTMLElement;
  let root: Root;
  let props: Omit<IPanelProps, 'state'>;

  const show = (state: Partial<IRecordsState>) =>
    act(() =>
      root.render(
        <PanelView
          {...props}
          state={{
            notebook: 'deep/train.ipynb',
            runs: [],
            total: state.runs?.length ?? 0,
            reviews: [],
            loading: false,
            failure: null,
            ...state
          }}
        />
      )
    );
  const find = (selector: string) => [
    ...node.querySelectorAll<HTMLElement>(selector)
  ];
  const button = (text: string) =>
    find('button').find(b => b.textContent === text)!;

  beforeEach(() => {
    (globalThis as Record<string, unknown>).IS_REACT_ACT_ENVIRONMENT = true;
    node = document.createElement('div');
    document.body.append(node);
    root = createRoot(node);
    props = {
      onReveal: jest.fn(),
      onDismiss: jest.fn(),
      onOpenReview: jest.fn(),
      onStartTracking: jest.fn(),
      onRefresh: jest.fn(),
      onMore: null,
      trans
    };
  });

  afterEach(() => {
    act(() => root.unmount());
    node.remove();
  });

  it('says what to do where there is nothing', () => {
    show({ notebook: null });
    expect(node.textContent).toContain('Open a notebook');
    show({});
    expect(node.textContent).toContain('%load_ext nbmlops');
    act(() => button('Turn tracking on').click());
    expect(props.onStartTracking).toHaveBeenCalled();
    expect(node.textContent).toContain('No review waits');
  });

  it('says why it failed and offers to try again', () => {
    show({ failure: 'The journal cannot be used.' });
    const alert = find('[role=alert]')[0];
    expect(alert.textContent).toContain('The journal cannot be used.');
    act(() => button('Try again').click());
    expect(props.onRefresh).toHaveBeenCalled();
  });

  it('says of a run that no data was seen for, and shows no digest of none', () => {
    show({ runs: [run({ inputs: [], data_digest: '' })] });
    expect(find('.nbmlops-Run-facts')[0].textContent).toContain('no data seen');
    show({ runs: [run()] });
    expect(find('.nbmlops-Run-facts')[0].textContent).toContain('abababab');
  });

  it('says what the list leaves out, and leads to it', () => {
    show({ runs: [run()] });
    expect(node.textContent).not.toContain('The latest');
    props.onMore = jest.fn();
    show({ runs: [run()], total: 60 });
    expect(find('.nbmlops-Count')[0].textContent).toBe('60');
    expect(node.textContent).toContain('The latest 1 of 60 runs.');
    button('Show more').click();
    expect(props.onMore).toHaveBeenCalledTimes(1);
    props.onMore = null;
    show({ runs: [run()], total: 600 });
    expect(node.textContent).toContain('nbmlops runs --limit 600');
  });

  it('says that the cell of a run did not come to its end', () => {
    show({ runs: [run({ ended: 'interrupted' })] });
    expect(find('.nbmlops-Run-head')[0].textContent).toContain('interrupted');
  });

  it('shows a run with its data, parameters, metrics and gaps', () => {
    show({
      runs: [
        run({
          name: 'SVC',
          parameters: [parameter('tol', 0.1, true), parameter('C', 3)],
          metrics: [metric('auc', 0.8, 'X_test')],
          gaps: [{ what: 'git', why: 'The folder is no repository.' }],
          captured: 87,
          delivered: false
        }),
        run({ id: 'run-0', metrics: [metric('auc', 0.7, 'X_test')] })
      ]
    });
    const [first] = find('.nbmlops-Run');
    const text = first.textContent!;
    for (const part of [
      'SVC',
      'abababab',
      '0.8000',
      '+0.1000',
      '87%',
      '1 gap'
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toContain('The folder is no repository.');
    expect(text).toContain('pending');
    expect(text.indexOf('C 3')).toBeLessThan(text.indexOf('tol 0.1'));
    expect(first.querySelector(`[title*="${'ab'.repeat(32)}"]`)).not.toBeNull();
    expect(
      first.querySelector('[role=meter]')!.getAttribute('aria-valuenow')
    ).toBe('87');
    act(() => button('SVC').click());
    expect(props.onReveal).toHaveBeenCalledWith(
      expect.objectContaining({ name: 'SVC' })
    );
  });

  it('leads to the page of a run that a server shows', () => {
    const page = 'https://mlflow.example/#/experiments/1/runs/0a';
    show({ runs: [run({ page }), run({ id: 'run-0' })] });
    const [served, local] = find('.nbmlops-Delivery');
    const link = served.querySelector('a')!;
    expect(link.href).toBe(page);
    expect(link.rel).toBe('noopener noreferrer');
    expect(local.querySelector('a')).toBeNull();
    expect(local.textContent).toBe('delivered');
  });

  it('says on a stale run that it is', () => {
    show({
      runs: [run({ stale: ['Cell [3] was edited.'] }), run({ id: 'run-0' })]
    });
    const [stale, fresh] = find('.nbmlops-Run');
    expect(stale.querySelector('.nbmlops-Stale')!.textContent).toBe('stale');
    expect(stale.textContent).toContain('Cell [3] was edited.');
    // It is not counted among what was not captured.
    expect(stale.querySelector('.nbmlops-Captured')!.textContent).toMatch(
      /100% captured · stale$/
    );
    expect(fresh.querySelector('.nbmlops-Stale')).toBeNull();
  });

  it('lets only an inferred run be dismissed', () => {
    show({ notebook: 'a.ipynb', runs: [run()] });
    expect(button('dismiss')).toBeUndefined();
    show({ notebook: 'a.ipynb', runs: [run({ kind: 'inferred' })] });
    act(() => button('dismiss').click());
    expect(props.onDismiss).toHaveBeenCalledWith(
      expect.objectContaining({ kind: 'inferred' })
    );
  });

  it('shows hostile text as text', () => {
    const hostile = '<img src=x onerror=alert(1)>';
    show({
      runs: [
        run({
          name: hostile,
          parameters: [parameter(hostile, hostile)],
          metrics: [metric(hostile, 1, hostile)],
          gaps: [{ what: hostile, why: hostile }]
        })
      ],
      reviews: [review({ model_name: hostile, missing: [hostile] })],
      failure: hostile
    });
    expect(find('img')).toEqual([]);
    expect(node.textContent).toContain(hostile);
  });

  it('compares the two runs that were selected last', () => {
    show({
      runs: ['c', 'b', 'a'].map((id, index) =>
        run({ id, name: id, parameters: [parameter('C', index)] })
      )
    });
    const tick = (index: number) =>
      act(() => find('input[type=checkbox]')[index].click());
    tick(0);
    expect(find('.nbmlops-Comparison')).toEqual([]);
    tick(1);
    expect(find('.nbmlops-Comparison')[0].textContent).toMatch(/C10/);
    tick(2);
    expect(find('input:checked')).toHaveLength(2);
    expect(find('.nbmlops-Comparison')[0].textContent).toMatch(/C21/);
    act(() => button('Close').click());
    expect(find('.nbmlops-Comparison')).toEqual([]);
  });

  it('compares long numbers in six digits, whole where those are the same', () => {
    const told = (older: number, newer: number) => {
      show({
        runs: [
          run({ id: 'new', parameters: [parameter('C', newer)] }),
          run({ id: 'old', parameters: [parameter('C', older)] })
        ]
      });
      find('input[type=checkbox]').forEach(
        box => (box as HTMLInputElement).checked || act(() => box.click())
      );
      return find('.nbmlops-Comparison td').map(cell => cell.textContent);
    };
    expect(told(1 / 3, 2 / 3)).toEqual(['0.333333', '0.666667']);
    expect(told(1 / 3, 1 / 3 + 1e-12)[1]).toBe(String(1 / 3 + 1e-12));
  });

  it('sorts by a metric, greatest first and absent last', () => {
    show({
      runs: [
        run({ id: 'new', metrics: [] }),
        run({ id: 'low', metrics: [metric('auc', 0.1)] }),
        run({ id: 'high', metrics: [metric('auc', 0.9)] })
      ]
    });
    const order = () => find('.nbmlops-Run').map(r => r.dataset.runId);
    expect(order()).toEqual(['new', 'low', 'high']);
    const select = node.querySelector('select')!;
    act(() => {
      select.value = 'auc';
      select.dispatchEvent(new Event('change', { bubbles: true }));
    });
    expect(order()).toEqual(['high', 'low', 'new']);
  });

  it('lists the reviews that wait, with what is missing', () => {
    show({ reviews: [review(), review({ id: 'review-2', missing: [] })] });
    expect(node.textContent).toContain('1 sign-off is missing');
    expect(node.textContent).toContain('It can be registered.');
    act(() => button('Open review').click());
    expect(props.onOpenReview).toHaveBeenCalledWith(
      expect.objectContaining({ id: 'review-1' })
    );
  });
});
