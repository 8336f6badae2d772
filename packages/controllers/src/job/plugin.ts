import { Client, Clients, Clock, Controllers, definePlugin, EventRecorder, Informers } from '@keelson/core';
import { JobController } from './job-controller.ts';
import { TtlAfterFinishedController } from './ttl-after-finished-controller.ts';

/** Runs pods to completion, counts each exactly once, and deletes finished Jobs when their time is over. */
export const jobPlugin = definePlugin({
  name: 'job',
  user: 'system:serviceaccount:kube-system:job-controller',
  register({ provide }) {
    provide(Controllers, JobController, [Client, Informers, EventRecorder, Clock]);
    // Kubernetes deletes expired Jobs under another name, which alone may do it.
    const name = 'system:serviceaccount:kube-system:ttl-after-finished-controller';
    provide.factory(
      Controllers,
      (clients, informers, clock) => new TtlAfterFinishedController(clients.as({ name }), informers, clock),
      [Clients, Informers, Clock],
    );
  },
});
