import { Client, Clock, Controllers, definePlugin, Informers, Logger } from '@keelson/core';
import { z } from 'zod';
import { PodGarbageCollectorController } from './pod-garbage-collector-controller.ts';

const options = z.strictObject({
  /** How many finished pods are kept; 0: any number. */
  terminatedPodThreshold: z.int().min(0).default(12_500),
});

/** Deletes the pods that nobody else would delete. */
export const podGarbageCollectorPlugin = definePlugin<z.infer<typeof options>>({
  name: 'pod-garbage-collector',
  user: 'system:serviceaccount:kube-system:pod-garbage-collector',
  options,
  register({ provide, options }) {
    provide.factory(
      Controllers,
      (client, informers, clock, logger) =>
        new PodGarbageCollectorController(client, informers, clock, logger, options),
      [Client, Informers, Clock, Logger],
    );
  },
});
