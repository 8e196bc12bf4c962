import { ServerConnection } from '@jupyterlab/services';

import { RecordsClient } from '../client';

function client(answer: () => Promise<Response>) {
  const asked: string[] = [];
  const settings = ServerConnection.makeSettings({
    baseUrl: 'http://localhost:8888/base/',
    token: 'secret',
    fetch: async request => {
      asked.push((request as Request).url);
      return answer();
    }
  });
  return { asked, records: new RecordsClient(settings) };
}

function answered(status: number, body: unknown): () => Promise<Response> {
  return async () =>
    new Response(typeof body === 'string' ? body : JSON.stringify(body), {
      status
    });
}

it('asks below the base url, with the path encoded', async () => {
  const { asked, records } = client(answered(200, { runs: [], total: 0 }));
  await expect(records.runs('a b/&limit=9.ipynb', 5)).resolves.toEqual({
    runs: [],
    total: 0
  });
  expect(asked[0]).toContain(
    'http://localhost:8888/base/nbmlops/api/runs?notebook=a%20b%2F%26limit%3D9.ipynb&limit=5'
  );
});

it('posts a dismissal, with the id encoded', async () => {
  const { asked, records } = client(answered(200, {}));
  await records.dismiss('run/1');
  expect(asked[0]).toContain('/nbmlops/api/runs/run%2F1/dismissal');
});

it('hands on what the server says is wrong', async () => {
  const failure = { message: 'The journal cannot be used.', missing: [] };
  const { records } = client(answered(503, failure));
  await expect(records.reviewsWaiting()).rejects.toMatchObject({
    message: 'The journal cannot be used.',
    status: 503
  });
});

it('says what to do where the server has no such route', async () => {
  const { records } = client(answered(404, '<html>not found</html>'));
  await expect(records.reviewsWaiting()).rejects.toThrow(
    'jupyter server extension enable nbmlops'
  );
});

it('points to the log where the answer has no sentence', async () => {
  const { records } = client(answered(502, 'Bad gateway'));
  await expect(records.reviewsWaiting()).rejects.toThrow('answered 502');
});

it('says that nobody answers', async () => {
  const { records } = client(() => Promise.reject(new TypeError('refused')));
  await expect(records.reviewsWaiting()).rejects.toThrow('does not answer');
});
