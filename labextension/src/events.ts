import { Event } from '@jupyterlab/services';
import { DisposableDelegate, IDisposable } from '@lumino/disposable';

import { RecordsChanged } from './contract';

/** The schema under which the server announces what was recorded. */
export const SCHEMA_ID = 'urn:nbmlops:events:records-changed';

/** Hear every announcement until disposed. */
export function listen(
  stream: Event.Stream,
  heard: (change: RecordsChanged) => void
): IDisposable {
  const slot = (_: unknown, emission: Event.Emission) => {
    if (emission.schema_id === SCHEMA_ID) {
      heard(emission as unknown as RecordsChanged);
    }
  };
  stream.connect(slot);
  return new DisposableDelegate(() => {
    stream.disconnect(slot);
  });
}
