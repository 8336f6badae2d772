import {
  all,
  Client,
  Clock,
  definePlugin,
  EventRecorder,
  Informers,
  Leadership,
  Lifecycles,
  Logger,
  optional,
  Random,
} from '@keelson/core';
import { SchedulerPlugins } from '@keelson/core/scheduling';
import { builtInPlugins } from './built-in-plugins.ts';
import { type SchedulerOptions, schedulerOptions } from './options.ts';
import { Scheduler } from './scheduler.ts';

/** Kubernetes' scheduler; plugins of others come after its own, or in the place of one of the same name. */
export const schedulerPlugin = definePlugin<SchedulerOptions>({
  name: 'scheduler',
  user: 'system:kube-scheduler',
  options: schedulerOptions,
  register({ provide, options }) {
    provide.factory(
      Lifecycles,
      (client, informers, events, clock, random, log, plugins, leadership) => {
        const recorder = events.as(options.schedulerName);
        const services = {
          client,
          informers,
          recorder,
          clock,
          random,
          logger: log.named('scheduler'),
          ...(leadership && { leadership }),
        };
        return new Scheduler(services, [...builtInPlugins(services), ...plugins], options);
      },
      [Client, Informers, EventRecorder, Clock, Random, Logger, all(SchedulerPlugins), optional(Leadership)],
    );
  },
});
