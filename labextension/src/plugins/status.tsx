import {
  JupyterFrontEnd,
  JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import React from 'react';

import { CommandIDs, DOMAIN, IRecordsModel } from '../tokens';
import { StatusView } from '../views/status';

/** The status bar's item: how many runs, how many reviews wait. */
export const statusPlugin: JupyterFrontEndPlugin<void> = {
  id: 'nbmlops:status',
  description: 'Counts tracked runs and waiting reviews in the status bar.',
  autoStart: true,
  requires: [IRecordsModel],
  optional: [IStatusBar, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    model: IRecordsModel,
    statusBar: IStatusBar | null,
    translator: ITranslator | null
  ) => {
    if (!statusBar) {
      return;
    }
    const trans = (translator ?? nullTranslator).load(DOMAIN);
    const item = ReactWidget.create(
      <UseSignal signal={model.changed} initialSender={model}>
        {() => (
          <StatusView
            state={model.state}
            onClick={() => void app.commands.execute(CommandIDs.show)}
            trans={trans}
          />
        )}
      </UseSignal>
    );
    item.addClass('jp-mod-highlighted');
    statusBar.registerStatusItem('nbmlops:status', {
      item,
      align: 'right',
      rank: 90,
      isActive: () => model.state.notebook !== null,
      activeStateChanged: model.changed
    });
  }
};
