import {
  INotebookTracker,
  Notebook,
  NotebookActions,
  NotebookPanel
} from '@jupyterlab/notebook';
import { ISessionContext } from '@jupyterlab/apputils';
import { Contents } from '@jupyterlab/services';

/** The path of a notebook from the server's root folder, without a drive's name before it. */
export function pathOf(
  panel: NotebookPanel | null,
  contents: Contents.IManager
): string | null {
  return panel ? contents.localPath(panel.context.path) : null;
}

/** Make the cell with this id active and scroll to it; false if the notebook has no such cell. */
export async function revealCell(
  panel: NotebookPanel,
  cellId: string
): Promise<boolean> {
  const notebook = panel.content;
  const index = notebook.widgets.findIndex(cell => cell.model.id === cellId);
  if (index < 0) {
    return false;
  }
  notebook.deselectAll();
  notebook.activeCellIndex = index;
  await notebook.scrollToItem(index, 'smart');
  notebook.activate();
  return true;
}

/** Put `source` into a new cell below the active one and run it. */
export async function runInNewCell(
  notebook: Notebook,
  session: ISessionContext,
  source: string
): Promise<void> {
  NotebookActions.insertBelow(notebook);
  notebook.activeCell?.model.sharedModel.setSource(source);
  await notebook.scrollToItem(notebook.activeCellIndex, 'smart');
  await NotebookActions.run(notebook, session);
}

/** Put `source` into a new first cell and run it. */
export async function runInFirstCell(
  notebook: Notebook,
  session: ISessionContext,
  source: string
): Promise<void> {
  notebook.activeCellIndex = 0;
  NotebookActions.insertAbove(notebook);
  notebook.activeCell?.model.sharedModel.setSource(source);
  await notebook.scrollToItem(0, 'smart');
  await NotebookActions.run(notebook, session);
}

/** The code that opens a review in a notebook. */
export function reviewSource(reviewId: string): string {
  return `import nbmlops\n\nnbmlops.review(${JSON.stringify(reviewId)})`;
}

/** The code that starts tracking. */
export const TRACKING_SOURCE = '%load_ext nbmlops\n%track';

/** Call `followed` now and whenever another notebook is active, or this one is renamed. */
export function followNotebook(
  tracker: INotebookTracker,
  contents: Contents.IManager,
  followed: (path: string | null) => void
): void {
  let current: NotebookPanel | null = null;
  const tell = () => followed(pathOf(current, contents));
  const follow = () => {
    current?.context.pathChanged.disconnect(tell);
    current = tracker.currentWidget;
    current?.context.pathChanged.connect(tell);
    tell();
  };
  tracker.currentChanged.connect(follow);
  follow();
}
