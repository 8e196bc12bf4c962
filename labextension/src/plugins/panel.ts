import {
  ILayoutRestorer,
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { addCommands } from '../commands';
import { runsIcon } from '../icon';
import { CommandIDs, DOMAIN, IRecordsModel } from '../tokens';
import { RecordsPanel } from '../widget';

const ID = 'nbmlops:panel';

/** The panel in the right sidebar, with its commands and settings. */
export const panelPlugin: JupyterFrontEndPlugin<void> = {
  id: ID,
  description: "Lists the active notebook's tracked runs and waiting reviews.",
  autoStart: true,
  requires: [IRecordsModel, INotebookTracker],
  // Notebook 7 has not all of these.
  optional: [ITranslator, ICommandPalette, ILayoutRestorer, ISettingRegistry],
  activate: (
    app: JupyterFrontEnd,
    model: IRecordsModel,
    tracker: INotebookTracker,
    translator: ITranslator | null,
    palette: ICommandPalette | null,
    restorer: ILayoutRestorer | null,
    settings: ISettingRegistry | null
  ) => {
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const { commands } = app;
    const panel = new RecordsPanel(model, {
      onReveal: run =>
        void commands.execute(CommandIDs.goToCell, { cellId: run.cell_id }),
      onDismiss: run => void model.dismiss(run.id),
      onOpenReview: review =>
        void commands.execute(CommandIDs.openReview, { reviewId: review.id }),
      onStartTracking: () => void commands.execute(CommandIDs.startTracking),
      onRefresh: () => void commands.execute(CommandIDs.refresh),
      trans
    });
    panel.id = 'nbmlops-panel';
    panel.title.icon = runsIcon;
    panel.title.caption = trans.__('Tracked runs and reviews');
    app.shell.add(panel, 'right', { rank: 850, type: 'Tracked runs' });
    restorer?.add(panel, panel.id);
    addCommands(app, { model, tracker, trans, panel });
    for (const command of [CommandIDs.show, CommandIDs.refresh]) {
      palette?.addItem({ command, category: trans.__('nbmlops') });
    }
    void settings?.load(ID).then(loaded => {
      const apply = () =>
        void model.setLimit(loaded.get('runsShown').composite as number);
      loaded.changed.connect(apply);
      apply();
    });
  }
};
