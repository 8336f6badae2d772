import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { HorizontalPodAutoscalerController } from './horizontal-pod-autoscaler-controller.ts';

/** Holds what it scales within its bounds. */
export const horizontalPodAutoscalerPlugin = definePlugin({
  name: 'horizontal-pod-autoscaler',
  user: 'system:serviceaccount:kube-system:horizontal-pod-autoscaler',
  register({ provide }) {
    provide(Controllers, HorizontalPodAutoscalerController, [Client, Informers, EventRecorder, Clock]);
  },
});
