import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { oracle } from '../../schema/oracle.test-data.ts';
import { startTestApiServer, type TestApiServer } from '../../server/index.ts';
import { type Outcome, play, prepare, type Stage } from './play-scenarios.test-data.ts';
import { handleScenarios, scenarios } from './scenarios.test-data.ts';
import { type TestWebhookServer, testWebhookServer } from './webhook-server.test-data.ts';

const recordedIn = new URL('./recorded-answers.json', import.meta.url);
/** Where a real control plane is at hand, its answers are compared with the recorded ones or, if asked for, recorded. */
const kubeconfig = process.env['KEELSON_TEST_KUBECONFIG'];
const records = process.env['KEELSON_TEST_RECORD'] === 'true';

const recorded: Readonly<Record<string, Outcome>> = JSON.parse(await readFile(recordedIn, 'utf8').catch(() => '{}'));

let webhooks: TestWebhookServer;
beforeAll(async () => {
  webhooks = await testWebhookServer();
  handleScenarios(webhooks);
});
afterAll(() => webhooks.stop());

describe('admission webhooks beside what a real server has answered', () => {
  let server: TestApiServer;
  let stage: Stage;
  let clear: () => Promise<void>;
  let directory: string;

  beforeAll(async () => {
    server = await startTestApiServer({ socket: true });
    directory = await mkdtemp(join(tmpdir(), 'keelson-webhooks-'));
    const file = join(directory, 'kubeconfig');
    await writeFile(file, server.kubeconfig ?? '', { mode: 0o600 });
    stage = { ask: await oracle(file), server: webhooks, namespace: `webhooks-${process.pid}` };
    clear = await prepare(stage, scenarios);
    // What a controller of accounts would make.
    const account = { metadata: { name: 'default' } };
    await stage.ask('POST', `/api/v1/namespaces/${stage.namespace}/serviceaccounts`, JSON.stringify(account));
  }, 30_000);
  afterAll(async () => {
    await clear();
    await server.stop();
    await rm(directory, { recursive: true });
  });

  it.each(scenarios.map((each) => [each.name, each] as const))('%s', async (name, scenario) => {
    expect(await play(stage, scenario)).toEqual(recorded[name]);
  });
});

describe.runIf(kubeconfig)('the recorded answers', () => {
  it('are those of the real server', async () => {
    const stage = { ask: await oracle(kubeconfig), server: webhooks, namespace: `webhooks-${process.pid}` };
    const clear = await prepare(stage, scenarios);
    const outcomes: Record<string, Outcome> = {};
    try {
      for (const each of scenarios) outcomes[each.name] = await play(stage, each);
    } finally {
      await clear();
    }
    if (records) await writeFile(recordedIn, `${JSON.stringify(outcomes, undefined, 1)}\n`);
    else expect(outcomes).toEqual(recorded);
  }, 120_000);
});
