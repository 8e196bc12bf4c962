import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import { Message } from '@lumino/messaging';
import React from 'react';

import { RecordsModel } from './model';
import { IPanelProps, PanelView } from './views/panel';

/** The sidebar's widget: the panel's view on a model. */
export class RecordsPanel extends ReactWidget {
  constructor(
    private readonly _model: RecordsModel,
    private readonly _props: Omit<IPanelProps, 'state' | 'onMore'>
  ) {
    super();
    this.addClass('nbmlops-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute(
      'aria-label',
      this._props.trans.__('Runs and reviews')
    );
  }

  /** Scroll to a run and give it the focus; false if it is not listed. */
  reveal(runId: string): boolean {
    const item = [
      ...this.node.querySelectorAll<HTMLElement>('.nbmlops-Run')
    ].find(node => node.dataset.runId === runId);
    item?.scrollIntoView({ block: 'nearest' });
    item?.focus();
    return item !== undefined;
  }

  // The event stream does not replay what it said while nobody could hear.
  protected onAfterShow(message: Message): void {
    super.onAfterShow(message);
    void this._model.refresh();
  }

  protected render(): JSX.Element {
    return (
      <UseSignal signal={this._model.changed} initialSender={this._model}>
        {() => (
          <PanelView
            {...this._props}
            state={this._model.state}
            onMore={
              this._model.hasMore ? () => void this._model.showMore() : null
            }
          />
        )}
      </UseSignal>
    );
  }
}
