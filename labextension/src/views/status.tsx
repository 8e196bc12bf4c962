import { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { IRecordsState } from '../model';

/** The status bar's words. */
export function StatusView(props: {
  state: IRecordsState;
  onClick: () => void;
  trans: TranslationBundle;
}): JSX.Element {
  const { state, onClick, trans } = props;
  const runs = trans._n('%1 run', '%1 runs', state.total);
  const reviews =
    state.reviews.length === 0
      ? ''
      : ' · ' +
        trans._n('%1 review waits', '%1 reviews wait', state.reviews.length);
  return (
    <button
      type="button"
      className="nbmlops-Status"
      onClick={onClick}
      title={state.failure ?? trans.__('Show tracked runs and reviews')}
    >
      {state.failure === null
        ? runs + reviews
        : trans.__('records unavailable')}
    </button>
  );
}
