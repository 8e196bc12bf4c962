import { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Notification } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { TranslationBundle } from '@jupyterlab/translation';
import { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import { RecordsModel } from './model';
import {
  revealCell,
  reviewSource,
  runInFirstCell,
  runInNewCell,
  TRACKING_SOURCE
} from './notebook';
import { CommandIDs } from './tokens';
import { runsIcon } from './icon';
import { RecordsPanel } from './widget';

/** What the commands act on. */
export interface ICommandsContext {
  model: RecordsModel;
  tracker: INotebookTracker;
  trans: TranslationBundle;
  panel: RecordsPanel;
}

/** Add every command of the extension. */
export function addCommands(
  app: JupyterFrontEnd,
  { model, tracker, trans, panel }: ICommandsContext
): void {
  const { commands, shell } = app;
  commands.addCommand(CommandIDs.show, {
    label: trans.__('Show Tracked Runs'),
    caption: trans.__("Show the active notebook's tracked runs and reviews"),
    icon: runsIcon,
    describedBy: nothing(),
    execute: () => shell.activateById(panel.id)
  });
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Read the Records Again'),
    caption: trans.__('Read tracked runs and reviews from the server again'),
    describedBy: nothing(),
    execute: () => model.refresh()
  });
  commands.addCommand(CommandIDs.showRun, {
    label: trans.__('Show the Run in the Panel'),
    describedBy: takes('runId', trans.__("The run's id")),
    execute: async args => {
      const runId = argument(args, 'runId');
      shell.activateById(panel.id);
      await model.refresh('run');
      if (runId && !panel.reveal(runId)) {
        Notification.info(
          trans.__(
            'The panel lists no run %1 of this notebook: it was dismissed, or newer ones fill the list.',
            runId
          ),
          { autoClose: 5000 }
        );
      }
    }
  });
  commands.addCommand(CommandIDs.goToCell, {
    label: trans.__('Go to the Cell That Trained It'),
    describedBy: takes('cellId', trans.__("The cell's id")),
    execute: async args => {
      const cellId = argument(args, 'cellId') ?? clickedCell(app);
      const panel = tracker.currentWidget;
      if (cellId && panel && !(await revealCell(panel, cellId))) {
        Notification.info(
          trans.__(
            'The cell that trained this run is no longer in this notebook. The run keeps its source.'
          ),
          { autoClose: 5000 }
        );
      }
    }
  });
  commands.addCommand(CommandIDs.openReview, {
    label: trans.__('Open Review'),
    describedBy: takes('reviewId', trans.__("The review's id")),
    execute: async args => {
      const reviewId = argument(args, 'reviewId');
      if (!reviewId) {
        return;
      }
      const panel = tracker.currentWidget;
      if (panel) {
        await runInNewCell(
          panel.content,
          panel.sessionContext,
          reviewSource(reviewId)
        );
        return;
      }
      Clipboard.copyToSystem(reviewSource(reviewId));
      Notification.info(
        trans.__(
          'No notebook is open. The code that shows the review is on the clipboard.'
        ),
        { autoClose: 5000 }
      );
    }
  });
  commands.addCommand(CommandIDs.startTracking, {
    label: trans.__('Turn Tracking On'),
    caption: trans.__(
      'Load nbmlops in a new first cell and track this notebook'
    ),
    describedBy: nothing(),
    isEnabled: () => tracker.currentWidget !== null,
    execute: async () => {
      const panel = tracker.currentWidget;
      if (panel) {
        await runInFirstCell(
          panel.content,
          panel.sessionContext,
          TRACKING_SOURCE
        );
      }
    }
  });
}

function nothing() {
  return { args: { type: 'object', properties: {} } };
}

function takes(name: string, description: string) {
  return {
    args: {
      type: 'object',
      properties: { [name]: { type: 'string', description } }
    }
  };
}

function argument(
  args: ReadonlyPartialJSONObject,
  name: string
): string | null {
  const value = args[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** The cell of the run that the context menu was opened on. */
function clickedCell(app: JupyterFrontEnd): string | null {
  const node = app.contextMenuHitTest(
    element => element.dataset.cellId !== undefined
  );
  return node?.dataset.cellId ?? null;
}
