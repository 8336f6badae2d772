import { z } from 'zod';
import type { StartWatcher } from './contract.ts';
import { startSubject } from './subject.ts';

// One watch layer, alone in a process: `run.mjs faults-subject NAME`. The parent sends a configuration, then questions.

const watchers: Record<string, () => Promise<StartWatcher>> = {
  keelson: async () => (await import('./watchers/keelson.ts')).keelsonWatcher('h2'),
  'keelson-http1': async () => (await import('./watchers/keelson.ts')).keelsonWatcher('http/1.1'),
  'client-node': async () => (await import('./watchers/client-node.ts')).startClientNode,
  'client-node-plain': async () => (await import('./watchers/client-node.ts')).startClientNodePlain,
  pepr: async () => (await import('./watchers/pepr.ts')).startPepr,
};

const message = z.discriminatedUnion('ask', [
  z.object({
    ask: z.literal('start'),
    config: z.object({ kubeconfig: z.string(), namespaces: z.array(z.string()) }),
  }),
  z.object({
    ask: z.literal('compare'),
    truth: z.record(z.string(), z.object({ uid: z.string(), count: z.number() })),
  }),
  z.object({ ask: z.literal('figures') }),
  z.object({ ask: z.literal('stop') }),
]);

const name = process.argv[2] ?? '';
const load = watchers[name];
if (!load) throw new Error(`there is no watch layer "${name}"`);
let subject: ReturnType<typeof startSubject> | undefined;

async function answer(asked: z.output<typeof message>): Promise<unknown> {
  if (asked.ask === 'start') {
    const start = await load?.();
    if (start) subject = startSubject(start, asked.config);
    // The first list may fail, and its failure is part of what is looked at.
    return undefined;
  }
  const running = await subject;
  if (asked.ask === 'compare') return running?.compare(asked.truth);
  if (asked.ask === 'figures') return running?.figures();
  await running?.stop();
  process.exit(0);
}

process.on('message', (sent) => {
  void answer(message.parse(sent)).then(
    (said) => process.send?.({ said }),
    (error: unknown) =>
      process.send?.({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
  );
});
process.on('disconnect', () => process.exit(1));
// A terminal sends it to all; the parent has questions left.
process.on('SIGINT', () => undefined);
// A promise that nobody handles ends a Node process; it is told as what it is.
process.on('unhandledRejection', (error) => {
  console.error(`${name}: a rejection that nobody handles:`, error);
  process.exit(70);
});
