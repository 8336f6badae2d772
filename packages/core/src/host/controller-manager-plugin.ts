import { z } from 'zod';
import {
  type Controller,
  ControllerManager,
  Controllers,
  Leadership,
  type ReconcileObserver,
  ReconcileObservers,
  Sharding,
} from '../controller/index.ts';
import type { Clock as ClockContract, Random as RandomContract } from '../machinery/index.ts';
import { MetricSources } from '../metrics/index.ts';
import { all, Clock, definePlugin, Lifecycles, Logger, optional, Random, token } from '../plugin/index.ts';
import { ControllerSeries } from './controller-series.ts';

/** The manager that runs the controllers: for their metrics, their traces, and watches that come later. */
export const Manager = token<ControllerManager>('ControllerManager');

/** The manager of a host that was stopped, where this one goes on with its caches and with other code. */
export const PredecessorManager = token<ControllerManager>('PredecessorManager');

/** Provided where traces are to say which line of code reads and writes. */
export const InDevelopment = token<true>('InDevelopment');

export const controllerManagerOptions = z
  .strictObject({
    /** Reconciles under way at a stop have so long before they are aborted; in milliseconds. */
    drainMs: z.int().nonnegative().default(5_000),
  })
  .prefault({});

/** One that does not heed its signal is not waited for any longer than this. */
const abortedMs = 5_000;

/** Runs every controller that the plugins provide. */
export const controllerManagerPlugin = definePlugin({
  name: 'controller-manager',
  options: controllerManagerOptions,
  register({ provide, options: { drainMs } }) {
    provide.factory(
      Manager,
      (
        controllers: readonly Controller[],
        clock: ClockContract,
        random: RandomContract,
        logger: Logger,
        leadership: Leadership | undefined,
        sharding: Sharding | undefined,
        observers: readonly ReconcileObserver[],
        development: true | undefined,
        predecessor: ControllerManager | undefined,
      ) =>
        new ControllerManager({
          controllers,
          clock,
          random,
          logger,
          observers,
          lines: development === true,
          ...(leadership && { leadership }),
          ...(sharding && { sharding }),
          ...(predecessor && { predecessor }),
        }),
      [
        all(Controllers),
        Clock,
        Random,
        Logger,
        optional(Leadership),
        optional(Sharding),
        all(ReconcileObservers),
        optional(InDevelopment),
        optional(PredecessorManager),
      ],
    );
    provide(MetricSources, ControllerSeries, [Manager]);
    provide.factory(
      Lifecycles,
      (manager: ControllerManager, clock: ClockContract, logger: Logger) => ({
        name: 'controllers',
        phase: 'controllers' as const,
        stopDeadlineMs: drainMs + abortedMs,
        async start() {
          manager.start();
        },
        async stop(signal: AbortSignal) {
          const drain = new AbortController();
          const abort = () => drain.abort(new Error('the controllers are stopped'));
          const cancelTimer = clock.after(drainMs, abort);
          signal.addEventListener('abort', abort, { once: true });
          const stopped = manager.stop(drain.signal);
          const underWay = Object.entries(manager.metrics).filter(([, { active }]) => active > 0);
          if (underWay.length > 0) {
            logger.named('controllers').info('takes no more keys, and waits for the reconciles under way', {
              underWay: Object.fromEntries(underWay.map(([name, { active }]) => [name, active])),
              drainMs,
            });
          }
          await stopped;
          cancelTimer();
          signal.removeEventListener('abort', abort);
        },
      }),
      [Manager, Clock, Logger],
    );
  },
});
