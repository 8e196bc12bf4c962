import { IRecordsClient, RequestFailed } from '../client';
import { ReviewSummary, RunList, RunSummary } from '../contract';
import { RecordsModel } from '../model';
import { review, run } from './records';

/** A server that remembers what it was asked, and answers when it is told to. */
class Server implements IRecordsClient {
  asked: string[] = [];
  runsThere: RunSummary[] = [run()];
  reviewsThere: ReviewSummary[] = [review()];
  failure: Error | null = null;
  gate: Promise<void> = Promise.resolve();

  async runs(path: string, limit: number): Promise<RunList> {
    this.asked.push(`runs ${path} ${limit}`);
    const answer = this.runsThere;
    await this.gate;
    if (this.failure) {
      throw this.failure;
    }
    return { runs: answer.slice(0, limit), total: answer.length };
  }

  async dismiss(runId: string): Promise<RunSummary> {
    this.asked.push(`dismiss ${runId}`);
    if (this.failure) {
      throw this.failure;
    }
    const [dismissed] = this.runsThere.splice(
      this.runsThere.findIndex(there => there.id === runId),
      1
    );
    return dismissed;
  }

  async reviewsWaiting(): Promise<ReviewSummary[]> {
    this.asked.push('reviews');
    await this.gate;
    return this.reviewsThere;
  }
}

describe('RecordsModel', () => {
  let server: Server;
  let model: RecordsModel;

  beforeEach(() => {
    server = new Server();
    model = new RecordsModel(server);
  });

  it('reads the runs of the notebook that it follows', async () => {
    await model.follow('train.ipynb');
    expect(server.asked).toEqual(['runs train.ipynb 50', 'reviews']);
    expect(model.state.runs).toHaveLength(1);
    expect(model.state.loading).toBe(false);
  });

  it('dismisses a run and reads the list anew', async () => {
    await model.follow('train.ipynb');
    await model.dismiss(model.state.runs[0].id);
    expect(server.asked[server.asked.length - 1]).toBe('runs train.ipynb 50');
    expect(model.state.runs).toHaveLength(0);
  });

  it('says why a run was not dismissed, and keeps it', async () => {
    await model.follow('train.ipynb');
    server.failure = new RequestFailed('Only inferred runs.', 409);
    await model.dismiss(model.state.runs[0].id);
    expect(model.state.failure).toBe('Only inferred runs.');
    expect(model.state.runs).toHaveLength(1);
  });

  it('asks for no runs where no notebook is active', async () => {
    await model.follow(null);
    expect(server.asked).toEqual(['reviews']);
    expect(model.state.runs).toEqual([]);
  });

  it('forgets the runs of the notebook before at once', async () => {
    await model.follow('train.ipynb');
    const reading = model.follow('other.ipynb');
    expect(model.state.runs).toEqual([]);
    expect(model.state.loading).toBe(true);
    await reading;
    expect(server.asked).toContain('runs other.ipynb 50');
  });

  it('never shows the runs of one notebook under another', async () => {
    let open = () => undefined as void;
    server.gate = new Promise(resolve => (open = resolve));
    const first = model.follow('train.ipynb');
    server.runsThere = [run({ id: 'run-of-other' })];
    const second = model.follow('other.ipynb');
    const seen: string[] = [];
    model.changed.connect(() => seen.push(...model.state.runs.map(r => r.id)));
    open();
    await Promise.all([first, second]);
    expect(new Set(seen)).toEqual(new Set(['run-of-other']));
  });

  it('reads only what an announcement names', async () => {
    await model.follow('train.ipynb');
    server.asked = [];
    await model.hear({ noun: 'review', ids: ['review-1'] });
    expect(server.asked).toEqual(['reviews']);
    server.asked = [];
    await model.hear({ noun: 'run', ids: ['run-1'] });
    expect(server.asked).toEqual(['runs train.ipynb 50']);
  });

  it('reads once more for any number of announcements while it reads', async () => {
    let open = () => undefined as void;
    server.gate = new Promise(resolve => (open = resolve));
    const readings = [model.follow('train.ipynb')];
    for (let i = 0; i < 20; i++) {
      readings.push(model.hear({ noun: 'run', ids: [`run-${i}`] }));
    }
    open();
    await Promise.all(readings);
    expect(server.asked.filter(a => a.startsWith('runs'))).toHaveLength(2);
  });

  it('says why a reading failed, keeps what it had, and recovers', async () => {
    await model.follow('train.ipynb');
    server.failure = new RequestFailed('The journal cannot be used.', 503);
    await model.refresh();
    expect(model.state.failure).toBe('The journal cannot be used.');
    expect(model.state.runs).toHaveLength(1);
    server.failure = null;
    await model.refresh();
    expect(model.state.failure).toBeNull();
  });

  it('asks anew when the limit changes, and only then', async () => {
    await model.follow('train.ipynb');
    await model.setLimit(10);
    expect(server.asked).toContain('runs train.ipynb 10');
    server.asked = [];
    await model.setLimit(10);
    expect(server.asked).toEqual([]);
  });

  it('says how many runs there are, and shows more of them when asked', async () => {
    server.runsThere = Array.from({ length: 120 }, (_, n) =>
      run({ id: `run-${n}` })
    );
    await model.follow('train.ipynb');
    expect(model.state.runs).toHaveLength(50);
    expect(model.state.total).toBe(120);
    expect(model.hasMore).toBe(true);
    await model.showMore();
    expect(model.state.runs).toHaveLength(100);
    await model.showMore();
    expect(model.state.runs).toHaveLength(120);
    expect(model.hasMore).toBe(false);
    await model.follow('other.ipynb');
    expect(model.state.runs).toHaveLength(50);
  });

  it('tells nobody after it is disposed', async () => {
    const told = jest.fn();
    model.changed.connect(told);
    const reading = model.refresh();
    model.dispose();
    await reading;
    expect(told).not.toHaveBeenCalled();
  });
});
