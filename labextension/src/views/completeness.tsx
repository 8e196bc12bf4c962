import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { RunSummary } from '../contract';

/** How much of a run was captured, what was not and why, and whether MLflow has it. */
export function CompletenessView(props: {
  run: RunSummary;
  trans: TranslationBundle;
}): JSX.Element {
  const { run, trans } = props;
  const share = run.captured;
  const bar = (
    <span
      className="nbmlops-Meter"
      role="meter"
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={share}
      aria-label={trans.__('Captured')}
      data-level={share >= 90 ? 'high' : share >= 60 ? 'middle' : 'low'}
    >
      <span style={{ width: `${share}%` }} />
    </span>
  );
  const text = trans.__('%1% captured', share);
  const notes = [
    ...run.gaps.map(gap => ({ key: gap.what, text: gap.why })),
    ...run.stale.map(why => ({ key: trans.__('Stale'), text: why }))
  ];
  // Staleness is no gap; the badge at the run's head says it already.
  const amiss =
    run.gaps.length > 0
      ? trans._n('%1 gap', '%1 gaps', run.gaps.length)
      : trans.__('stale');
  return (
    <div className="nbmlops-Run-foot">
      {notes.length === 0 ? (
        <span className="nbmlops-Captured">
          {bar} {text}
        </span>
      ) : (
        <details>
          <summary className="nbmlops-Captured">
            {bar} {text} · {amiss}
          </summary>
          <dl className="nbmlops-Gaps">
            {notes.map((note, index) => (
              <React.Fragment key={index}>
                <dt>{note.key}</dt>
                <dd>{note.text}</dd>
              </React.Fragment>
            ))}
          </dl>
        </details>
      )}
      <span
        className="nbmlops-Delivery"
        data-delivered={run.delivered}
        title={
          run.delivered
            ? trans.__('MLflow has this run.')
            : trans.__(
                'Kept on disk and not yet in MLflow. It is delivered when MLflow answers; `%track sync` tries now.'
              )
        }
      >
        {run.page !== null ? (
          <a href={run.page} target="_blank" rel="noopener noreferrer">
            MLflow
          </a>
        ) : run.delivered ? (
          trans.__('delivered')
        ) : (
          trans.__('pending')
        )}
      </span>
    </div>
  );
}
