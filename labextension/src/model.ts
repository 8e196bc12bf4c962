import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import { IRecordsClient } from './client';
import { RecordsChanged, ReviewSummary, RunSummary } from './contract';

/** What the views show. */
export interface IRecordsState {
  /** The active notebook's path from the server's root folder, or null if none is active. */
  readonly notebook: string | null;
  /** Its latest runs, newest first. */
  readonly runs: readonly RunSummary[];
  /** How many runs it has. */
  readonly total: number;
  readonly reviews: readonly ReviewSummary[];
  /** Whether the runs of this notebook have not yet arrived for the first time. */
  readonly loading: boolean;
  /** Why the last reading failed, in a sentence, or null. */
  readonly failure: string | null;
}

const EMPTY: IRecordsState = {
  notebook: null,
  runs: [],
  total: 0,
  reviews: [],
  loading: true,
  failure: null
};

/** So many runs the server sends at once. */
const MOST = 500;

/**
 * The tracked runs of one notebook and the reviews that wait, read anew whenever it is told that
 * they may have changed. Readings never overlap: one that is asked for meanwhile follows after.
 */
export class RecordsModel implements IDisposable {
  constructor(private readonly _client: IRecordsClient) {}

  get state(): IRecordsState {
    return this._state;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Follow another notebook. */
  follow(notebook: string | null): Promise<void> {
    if (notebook === this._state.notebook && !this._state.loading) {
      return Promise.resolve();
    }
    this._more = 0;
    this._set({ notebook, runs: [], total: 0, loading: true });
    return this.refresh();
  }

  /** Show at most so many runs. */
  setLimit(limit: number): Promise<void> {
    if (limit === this._limit) {
      return Promise.resolve();
    }
    this._limit = limit;
    return this.refresh();
  }

  /** Show as many again as are shown now. */
  showMore(): Promise<void> {
    this._more = Math.min(2 * this._shown, MOST) - this._limit;
    return this.refresh('run');
  }

  /** Whether there are runs that can still be asked for. */
  get hasMore(): boolean {
    return this._state.total > this._state.runs.length && this._shown < MOST;
  }

  /** An announcement arrived. It carries ids alone, so what they name is read. */
  hear(change: RecordsChanged): Promise<void> {
    return this.refresh(change.noun);
  }

  /** Say that an inferred run is no training; the list is read anew, without it. */
  async dismiss(runId: string): Promise<void> {
    try {
      await this._client.dismiss(runId);
    } catch (error) {
      this._set({ failure: sentence(error) });
      return;
    }
    await this.refresh('run');
  }

  /** Read the runs, the reviews or both. */
  refresh(noun?: RecordsChanged['noun']): Promise<void> {
    this._wanted.add(noun ?? 'run');
    this._wanted.add(noun ?? 'review');
    this._reading ??= this._read().finally(() => {
      this._reading = null;
    });
    return this._reading;
  }

  dispose(): void {
    this._isDisposed = true;
    Signal.clearData(this);
  }

  private async _read(): Promise<void> {
    while (this._wanted.size > 0 && !this._isDisposed) {
      const wanted = new Set(this._wanted);
      this._wanted.clear();
      const { notebook } = this._state;
      try {
        const [{ runs, total }, reviews] = await Promise.all([
          !wanted.has('run')
            ? this._state
            : notebook === null
              ? EMPTY
              : this._client.runs(notebook, this._shown),
          wanted.has('review')
            ? this._client.reviewsWaiting()
            : this._state.reviews
        ]);
        if (notebook === this._state.notebook) {
          this._set({ runs, total, reviews, loading: false, failure: null });
        }
      } catch (error) {
        this._set({ loading: false, failure: sentence(error) });
      }
    }
  }

  private _set(change: Partial<IRecordsState>): void {
    if (this._isDisposed) {
      return;
    }
    this._state = { ...this._state, ...change };
    this._changed.emit();
  }

  private get _shown(): number {
    return this._limit + this._more;
  }

  private _state = EMPTY;
  private _limit = 50;
  private _more = 0;
  private _isDisposed = false;
  private _reading: Promise<void> | null = null;
  private readonly _wanted = new Set<RecordsChanged['noun']>();
  private readonly _changed = new Signal<this, void>(this);
}

function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
