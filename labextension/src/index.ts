import { JupyterFrontEndPlugin } from '@jupyterlab/application';

import { panelPlugin } from './plugins/panel';
import { recordsPlugin } from './plugins/records';
import { statusPlugin } from './plugins/status';

const plugins: JupyterFrontEndPlugin<unknown>[] = [
  recordsPlugin,
  panelPlugin,
  statusPlugin
];

export default plugins;
