import { hostname } from 'node:os';
import { Client } from '../client/index.ts';
import { createEventRecorder, EventRecorder, type StoppableEventRecorder } from '../controller/index.ts';
import type { Clock as ClockContract, Random as RandomContract } from '../machinery/index.ts';
import { Clock, definePlugin, Lifecycles, Logger, Random, token } from '../plugin/index.ts';

const Recorder = token<StoppableEventRecorder>('StoppableEventRecorder');

/** Events wait at a stop for so long to be written. */
const drainMs = 2_000;

/** The event recorder of all plugins; each speaks through it as a component of its own. */
export const eventRecorderPlugin = definePlugin({
  name: 'event-recorder',
  rules: [{ apiGroups: ['', 'events.k8s.io'], resources: ['events'], verbs: ['create', 'patch'] }],
  register({ provide }) {
    provide.factory(
      Recorder,
      (client: Client, clock: ClockContract, random: RandomContract, logger: Logger) =>
        createEventRecorder({ client, clock, random, logger, component: 'keelson', machine: hostname() }),
      [Client, Clock, Random, Logger],
    );
    provide.factory(EventRecorder, (recorder: StoppableEventRecorder) => recorder, [Recorder]);
    provide.factory(
      Lifecycles,
      (recorder: StoppableEventRecorder, clock: ClockContract) => ({
        name: 'event recorder',
        phase: 'informers' as const,
        async start() {
          // Begins by itself at the first event.
        },
        async stop(signal: AbortSignal) {
          const drain = new AbortController();
          const abort = () => drain.abort(new Error('the event recorder is stopped'));
          const cancelTimer = clock.after(drainMs, abort);
          signal.addEventListener('abort', abort, { once: true });
          await recorder.stop(drain.signal);
          cancelTimer();
          signal.removeEventListener('abort', abort);
        },
      }),
      [Recorder, Clock],
    );
  },
});
