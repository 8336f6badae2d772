import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import type { Subject, WatcherConfig } from './contract.ts';

/** Who is compared, and what to call it. */
export const subjectNames = {
  keelson: '@keelson/core',
  'keelson-http1': '@keelson/core, HTTP/1.1',
  'client-node': 'client-node 1.4, restarted by its user',
  'client-node-plain': 'client-node 1.4, left alone',
  pepr: "Pepr's watch layer (KFC 3.11)",
} as const;
export type SubjectName = keyof typeof subjectNames;

const reply = z.union([z.object({ failed: z.string() }), z.object({ said: z.unknown().optional() })]);
const difference = z.object({
  missing: z.number(),
  stale: z.number(),
  extra: z.number(),
  examples: z.array(z.string()),
});
const figures = z.object({
  told: z.number(),
  outOfOrder: z.number(),
  unseenDeletions: z.number(),
  restarts: z.number(),
  memory: z.number(),
  longestBlockMs: z.number(),
});
const answerMs = 60_000;

/** A watch layer in a process of its own. */
export async function startSubjectProcess(name: SubjectName, config: WatcherConfig): Promise<Subject> {
  const run = fileURLToPath(new URL('../run.mjs', import.meta.url));
  const child = fork(run, ['faults-subject', name], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: [] });
  await ask(child, { ask: 'start', config });
  return {
    compare: async (truth) => difference.parse(await ask(child, { ask: 'compare', truth })),
    figures: async () => figures.parse(await ask(child, { ask: 'figures' })),
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      // Whoever stopped all of it may have stopped this one too.
      if (child.connected) child.send({ ask: 'stop' }, () => undefined);
      else child.kill('SIGTERM');
      const hard = setTimeout(() => child.kill('SIGKILL'), 5_000);
      await gone;
      clearTimeout(hard);
    },
  };
}

/** One question at a time. Rejects where the process has ended. */
function ask(child: ChildProcess, question: object): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const why = () => new Error(`its process has ended (${child.signalCode ?? child.exitCode})`);
    if (child.exitCode !== null || child.signalCode !== null) return reject(why());
    const ended = () => settle(() => reject(why()));
    const late = setTimeout(() => settle(() => reject(new Error('it does not answer'))), answerMs);
    const heard = (sent: unknown) =>
      settle(() => {
        const parsed = reply.parse(sent);
        if ('failed' in parsed) reject(new Error(parsed.failed));
        else resolve(parsed.said);
      });
    function settle(then: () => void): void {
      clearTimeout(late);
      child.off('exit', ended);
      child.off('message', heard);
      then();
    }
    child.once('exit', ended);
    child.once('message', heard);
    child.send(question, (error) => error && ended());
  });
}
