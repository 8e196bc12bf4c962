import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import {
  DismissalRequest,
  Failure,
  ReviewSummary,
  RunList,
  RunSummary
} from './contract';

/** What the model needs of the server. */
export interface IRecordsClient {
  /** A notebook's latest runs, newest first; `path` is relative to the server's root folder. */
  runs(path: string, limit: number): Promise<RunList>;
  /** The reviews that wait for somebody, newest first. */
  reviewsWaiting(): Promise<ReviewSummary[]>;
  /** Say that an inferred run is no training. */
  dismiss(runId: string): Promise<RunSummary>;
}

/** The server said no, or nothing: `message` is a sentence for the person who looks. */
export class RequestFailed extends Error {
  constructor(
    message: string,
    readonly status: number | null = null
  ) {
    super(message);
    this.name = 'RequestFailed';
  }
}

/** The routes below `/nbmlops/api/`. */
export class RecordsClient implements IRecordsClient {
  constructor(private readonly _settings: ServerConnection.ISettings) {}

  runs(path: string, limit: number): Promise<RunList> {
    const query = URLExt.objectToQueryString({
      notebook: path,
      limit: String(limit)
    });
    return this._ask<RunList>(`runs${query}`);
  }

  reviewsWaiting(): Promise<ReviewSummary[]> {
    return this._ask<ReviewSummary[]>('reviews?waiting=true');
  }

  dismiss(runId: string): Promise<RunSummary> {
    const request: DismissalRequest = {};
    return this._ask<RunSummary>(
      `runs/${encodeURIComponent(runId)}/dismissal`,
      { method: 'POST', body: JSON.stringify(request) }
    );
  }

  private async _ask<T>(
    route: string,
    init: RequestInit = { method: 'GET' }
  ): Promise<T> {
    const url = `${URLExt.join(this._settings.baseUrl, 'nbmlops', 'api')}/${route}`;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
    } catch {
      throw new RequestFailed(
        'The Jupyter server does not answer. Check that it is running.'
      );
    }
    if (!response.ok) {
      throw new RequestFailed(await reason(response), response.status);
    }
    return (await response.json()) as T;
  }
}

async function reason(response: Response): Promise<string> {
  if (response.status === 404) {
    const failure = await failureOf(response);
    return (
      failure?.message ??
      'The nbmlops server extension is not enabled. Run `jupyter server extension enable nbmlops` and restart the server.'
    );
  }
  const failure = await failureOf(response);
  return (
    failure?.message ??
    `The Jupyter server answered ${response.status}. Its log says why.`
  );
}

async function failureOf(response: Response): Promise<Failure | null> {
  try {
    const body = (await response.json()) as Partial<Failure> | null;
    return typeof body?.message === 'string' && Array.isArray(body.missing)
      ? (body as Failure)
      : null;
  } catch {
    return null;
  }
}
