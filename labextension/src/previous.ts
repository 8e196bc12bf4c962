import { RunSummary } from './contract';

/**
 * What a run's metrics are compared with, of the `earlier` runs, newest first: what its cell left when
 * it ran before comes first, as on the card in the notebook, then the nearest.
 */
export function comparedWith(
  run: RunSummary,
  earlier: readonly RunSummary[]
): readonly RunSummary[] {
  const previous = previousOf(run, earlier);
  return previous === undefined
    ? earlier
    : [previous, ...earlier.filter(other => other !== previous)];
}

/** Of a cell that leaves several runs, the third is held against the third. */
function previousOf(
  run: RunSummary,
  earlier: readonly RunSummary[]
): RunSummary | undefined {
  const alike = earlier.filter(
    other =>
      run.cell_id !== null &&
      other.cell_id === run.cell_id &&
      other.model_class === run.model_class
  );
  const before = alike.filter(other => !siblings(other, run));
  const execution = before.filter(
    other => other === before[0] || siblings(other, before[0])
  );
  const place = alike.length - before.length;
  return execution[Math.max(0, execution.length - 1 - place)];
}

function siblings(one: RunSummary, other: RunSummary): boolean {
  return one.parent_id !== null && one.parent_id === other.parent_id;
}
