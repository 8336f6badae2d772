import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { DisruptionController } from './disruption-controller.ts';
import { StaleDisruptionController } from './stale-disruption-controller.ts';

/** Says how many pods of a PodDisruptionBudget may go now. */
export const disruptionPlugin = definePlugin({
  name: 'disruption',
  user: 'system:serviceaccount:kube-system:disruption-controller',
  register({ provide }) {
    provide(Controllers, DisruptionController, [Client, Informers, EventRecorder, Clock]);
    provide(Controllers, StaleDisruptionController, [Client, Informers, Clock]);
  },
});
