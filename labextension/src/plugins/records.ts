import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { INotebookTracker, NotebookActions } from '@jupyterlab/notebook';

import { RecordsClient } from '../client';
import { listen } from '../events';
import { RecordsModel } from '../model';
import { followNotebook } from '../notebook';
import { IRecordsModel } from '../tokens';

/** Builds the model, and tells it when to read. */
export const recordsPlugin: JupyterFrontEndPlugin<IRecordsModel> = {
  id: 'nbmlops:records',
  description: 'Keeps the tracked runs of the active notebook at hand.',
  autoStart: true,
  requires: [INotebookTracker],
  provides: IRecordsModel,
  activate: (app: JupyterFrontEnd, tracker: INotebookTracker) => {
    const { contents, events, serverSettings } = app.serviceManager;
    const model = new RecordsModel(new RecordsClient(serverSettings));
    listen(events.stream, change => void model.hear(change));
    void app.restored.then(() => {
      followNotebook(tracker, contents, path => void model.follow(path));
      void model.refresh();
    });
    // What was announced while a socket was down is not repeated: read at the next sign of life.
    NotebookActions.executed.connect(() => void model.refresh('run'));
    document.addEventListener('visibilitychange', () => {
      if (!document.hidden) {
        void model.refresh();
      }
    });
    return model;
  }
};
