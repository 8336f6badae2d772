import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { CronJobController } from './cronjob-controller.ts';

/** Starts Jobs on a schedule. */
export const cronJobPlugin = definePlugin({
  name: 'cronjob',
  user: 'system:serviceaccount:kube-system:cronjob-controller',
  register({ provide }) {
    provide(Controllers, CronJobController, [Client, Informers, EventRecorder, Clock]);
  },
});
