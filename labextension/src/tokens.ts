import { Token } from '@lumino/coreutils';

import { RecordsModel } from './model';

/** The translation domain of every text that the extension shows. */
export const DOMAIN = 'nbmlops';

/** The model that panel and status bar share. */
export const IRecordsModel = new Token<IRecordsModel>(
  'nbmlops:IRecordsModel',
  'The tracked runs of the active notebook, and the reviews that wait.'
);
export type IRecordsModel = RecordsModel;

/** The ids of the commands; every one is in the palette or in a menu. */
export const CommandIDs = {
  show: 'nbmlops:show-panel',
  refresh: 'nbmlops:refresh',
  showRun: 'nbmlops:show-run',
  goToCell: 'nbmlops:go-to-cell',
  openReview: 'nbmlops:open-review',
  startTracking: 'nbmlops:start-tracking'
} as const;
