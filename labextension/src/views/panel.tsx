import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { ReviewSummary, RunSummary } from '../contract';
import { IRecordsState } from '../model';
import { ReviewsView } from './reviews';
import { RunsView } from './runs';

export interface IPanelProps {
  state: IRecordsState;
  onReveal: (run: RunSummary) => void;
  onDismiss: (run: RunSummary) => void;
  onOpenReview: (review: ReviewSummary) => void;
  onStartTracking: () => void;
  onRefresh: () => void;
  /** Show more runs; absent where there are none, or no more can be listed. */
  onMore: (() => void) | null;
  trans: TranslationBundle;
}

/** The whole panel. */
export function PanelView(props: IPanelProps): JSX.Element {
  const { state, onRefresh, trans } = props;
  return (
    <div className="nbmlops-Panel-content">
      {state.failure === null ? null : (
        <div role="alert" className="nbmlops-Failure">
          <p>{state.failure}</p>
          <button type="button" className="nbmlops-button" onClick={onRefresh}>
            {trans.__('Try again')}
          </button>
        </div>
      )}
      <section aria-labelledby="nbmlops-runs-title">
        <SectionHead
          id="nbmlops-runs-title"
          title={trans.__('Tracked runs')}
          count={state.total}
        >
          <span
            className="nbmlops-Notebook nbmlops-hint"
            title={state.notebook ?? undefined}
          >
            {state.notebook?.split('/').pop()}
          </span>
        </SectionHead>
        <div aria-live="polite" aria-busy={state.loading}>
          <Runs {...props} />
        </div>
      </section>
      <section aria-labelledby="nbmlops-reviews-title">
        <SectionHead
          id="nbmlops-reviews-title"
          title={trans.__('Reviews waiting')}
          count={state.reviews.length}
        />
        <ReviewsView
          reviews={state.reviews}
          onOpen={props.onOpenReview}
          trans={trans}
        />
      </section>
    </div>
  );
}

interface ISectionHeadProps {
  id: string;
  title: string;
  count: number;
  children?: React.ReactNode;
}

/** What a section holds and how much of it, with what else belongs there. */
function SectionHead(props: ISectionHeadProps): JSX.Element {
  return (
    <div className="nbmlops-Section-head">
      <h2 id={props.id}>{props.title}</h2>
      {props.count > 0 ? (
        <span className="nbmlops-Count">{props.count}</span>
      ) : null}
      {props.children}
    </div>
  );
}

function Runs(props: IPanelProps): JSX.Element | null {
  const { state, trans } = props;
  if (state.notebook === null) {
    return (
      <p className="nbmlops-hint">
        {trans.__('Open a notebook to see the runs that it left.')}
      </p>
    );
  }
  if (state.runs.length > 0) {
    return (
      <>
        <RunsView
          // A selection belongs to one notebook.
          key={state.notebook}
          runs={state.runs}
          onReveal={props.onReveal}
          onDismiss={props.onDismiss}
          trans={trans}
        />
        <More {...props} />
      </>
    );
  }
  if (state.loading) {
    return <p className="nbmlops-hint">{trans.__('Reading the records…')}</p>;
  }
  if (state.failure !== null) {
    return null;
  }
  return (
    <div className="nbmlops-Empty">
      <p>
        {trans.__(
          'This notebook has no tracked run yet. Turn tracking on once, then run any cell that trains a model:'
        )}
      </p>
      <pre>{'%load_ext nbmlops\n%track'}</pre>
      <button
        type="button"
        className="nbmlops-button"
        onClick={props.onStartTracking}
        title={trans.__(
          'Puts these two lines into a new first cell and runs it'
        )}
      >
        {trans.__('Turn tracking on')}
      </button>
    </div>
  );
}

/** What the list leaves out, and the way to it. */
function More(props: IPanelProps): JSX.Element | null {
  const { state, onMore, trans } = props;
  if (state.total <= state.runs.length) {
    return null;
  }
  return (
    <p className="nbmlops-More nbmlops-hint">
      {trans.__('The latest %1 of %2 runs.', state.runs.length, state.total)}{' '}
      {onMore ? (
        <button type="button" className="nbmlops-link" onClick={onMore}>
          {trans.__('Show more')}
        </button>
      ) : (
        trans.__('`nbmlops runs --limit %1` lists all.', state.total)
      )}
    </p>
  );
}
