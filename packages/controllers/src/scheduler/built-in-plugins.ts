import { PodDisruptionBudget } from '@keelson/core';
import type { SchedulerPlugin } from '@keelson/core/scheduling';
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
import { PodTopologySpread } from './plugins/pod-topology-spread/pod-topology-spread.ts';
import { PrioritySort } from './plugins/priority-sort/priority-sort.ts';
import { SchedulingGates } from './plugins/scheduling-gates/scheduling-gates.ts';
import { TaintToleration } from './plugins/taint-toleration/taint-toleration.ts';
import { VolumeBinding } from './plugins/volume-binding/volume-binding.ts';
import type { SchedulerServices } from './scheduler.ts';

/** Kubernetes' scheduler plugins, in the order in which Kubernetes asks them. */
export function builtInPlugins(services: SchedulerServices): readonly SchedulerPlugin[] {
  const { client, clock, recorder, informers } = services;
  return [
    new SchedulingGates(),
    new PrioritySort(),
    new NodeUnschedulable(),
    new NodeName(),
    new TaintToleration(),
    new NodeAffinity(),
    new NodePorts(),
    new NodeResourcesFit(),
    new VolumeBinding({ client, clock, informers }),
    new PodTopologySpread(),
    new InterPodAffinity(),
    new DynamicResources(),
    new DefaultPreemption({ client, clock, recorder, budgets: informers.for(PodDisruptionBudget).lister }),
    new NodeResourcesBalancedAllocation(),
    new ImageLocality(),
    new DefaultBinder(client),
  ];
}
