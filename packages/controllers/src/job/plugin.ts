import { Client, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { JobController } from './job-controller.ts';
import { TtlAfterFinishedController } from './ttl-after-finished-controller.ts';

export const jobPlugin = definePlugin({
  name: 'job',
  user: 'system:serviceaccount:kube-system:job-controller',
  // Kubernetes deletes expired Jobs under another name; here the two are one plugin.
  rules: [{ apiGroups: ['batch'], resources: ['jobs'], verbs: ['delete'] }],
  register({ provide }) {
    provide(Controllers, JobController, [Client, Informers, EventRecorder, Clock]);
    provide(Controllers, TtlAfterFinishedController, [Client, Informers, Clock]);
  },
});
