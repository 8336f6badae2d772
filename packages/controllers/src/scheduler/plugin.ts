import {
  all,
  Client,
  Clock,
  definePlugin,
  EventRecorder,
  Informers,
  Lifecycles,
  Logger,
  PodDisruptionBudget,
  Random,
} from '@keelson/core';
import { SchedulerPlugins } from '@keelson/core/scheduling';
import { type SchedulerOptions, schedulerOptions } from './options.ts';
import { DefaultBinder } from './plugins/default-binder/default-binder.ts';
import { DefaultPreemption } from './plugins/default-preemption/default-preemption.ts';
import { DynamicResources } from './plugins/dynamic-resources/dynamic-resources.ts';
import { ImageLocality } from './plugins/image-locality/image-locality.ts';
import { InterPodAffinity } from './plugins/inter-pod-affinity/inter-pod-affinity.ts';
import { NodeAffinity } from './plugins/node-affinity/node-affinity.ts';
import { NodeName } from './plugins/node-name/node-name.ts';
import { NodePorts } from './plugins/node-ports/node-ports.ts';
import { NodeResourcesBalancedAllocation } from './plugins/node-resources-balanced-allocation/node-resources-balanced-allocation.ts';
import { NodeResourcesFit } from './plugins/node-resources-fit/node-resources-fit.ts';
import { NodeUnschedulable } from './plugins/node-unschedulable/node-unschedulable.ts';
import { PrioritySort } from './plugins/priority-sort/priority-sort.ts';
import { SchedulingGates } from './plugins/scheduling-gates/scheduling-gates.ts';
import { TaintToleration } from './plugins/taint-toleration/taint-toleration.ts';
import { Scheduler } from './scheduler.ts';

/** Kubernetes' scheduler; its parts are asked in this order, and then those of other plugins. */
export const schedulerPlugin = definePlugin<SchedulerOptions>({
  name: 'scheduler',
  user: 'system:kube-scheduler',
  options: schedulerOptions,
  register({ provide, options }) {
    provide(SchedulerPlugins, SchedulingGates, []);
    provide(SchedulerPlugins, PrioritySort, []);
    provide(SchedulerPlugins, NodeUnschedulable, []);
    provide(SchedulerPlugins, NodeName, []);
    provide(SchedulerPlugins, TaintToleration, []);
    provide(SchedulerPlugins, NodeAffinity, []);
    provide(SchedulerPlugins, NodePorts, []);
    provide(SchedulerPlugins, NodeResourcesFit, []);
    provide.factory(SchedulerPlugins, () => new InterPodAffinity(), []);
    provide(SchedulerPlugins, DynamicResources, []);
    provide.factory(
      SchedulerPlugins,
      (client, clock, recorder, informers) =>
        new DefaultPreemption({
          client,
          clock,
          recorder: recorder.as(options.schedulerName),
          budgets: informers.for(PodDisruptionBudget).lister,
        }),
      [Client, Clock, EventRecorder, Informers],
    );
    provide(SchedulerPlugins, NodeResourcesBalancedAllocation, []);
    provide(SchedulerPlugins, ImageLocality, []);
    provide(SchedulerPlugins, DefaultBinder, [Client]);
    provide.factory(
      Lifecycles,
      (client, informers, recorder, clock, random, logger, plugins) =>
        new Scheduler(
          { client, informers, recorder, clock, random, logger: logger.named('scheduler') },
          plugins,
          options,
        ),
      [Client, Informers, EventRecorder, Clock, Random, Logger, all(SchedulerPlugins)],
    );
  },
});
