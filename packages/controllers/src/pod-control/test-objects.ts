import type { Deployment, Job, ObjectMeta, Pod, ReplicaSet } from '@keelson/core';

/** Objects as the API server would hand them out, for the tests of this package. */

const epoch = '2026-01-01T00:00:00Z';

export function at(seconds: number): string {
  return `${new Date(Date.parse(epoch) + seconds * 1000).toISOString().slice(0, 19)}Z`;
}

export function ms(seconds: number): number {
  return Date.parse(epoch) + seconds * 1000;
}

export function now(seconds: number) {
  return { ms: ms(seconds), timestamp: at(seconds) };
}

export function meta(name: string, more: Partial<ObjectMeta> = {}): ObjectMeta {
  return { name, namespace: 'default', uid: `uid-${name}`, creationTimestamp: epoch, generation: 1, ...more };
}

export interface PodState {
  readonly metadata?: Partial<ObjectMeta>;
  readonly node?: string;
  readonly phase?: string;
  /** Seconds since the epoch of the tests at which the pod became ready. */
  readonly readyAt?: number;
  readonly restarts?: number;
  readonly ip?: string;
  readonly spec?: Partial<Pod['spec']>;
}

export function pod(name: string, state: PodState = {}): Pod {
  const { readyAt, restarts, ip } = state;
  return {
    metadata: meta(name, state.metadata),
    spec: {
      containers: [{ name: 'main', image: 'image:1' }],
      ...(state.node && { nodeName: state.node }),
      ...state.spec,
    },
    status: {
      phase: state.phase ?? (readyAt === undefined ? 'Pending' : 'Running'),
      ...(readyAt !== undefined && {
        conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: at(readyAt) }],
      }),
      ...(restarts !== undefined && {
        containerStatuses: [{ name: 'main', image: '', imageID: '', ready: true, restartCount: restarts }],
      }),
      ...(ip !== undefined && { podIP: ip, podIPs: [{ ip }] }),
    },
  };
}

export function deployment(
  replicas: number,
  more: {
    readonly spec?: Partial<Deployment['spec']>;
    readonly status?: Deployment['status'];
    readonly metadata?: Partial<ObjectMeta>;
  } = {},
): Deployment {
  return {
    metadata: meta('web', more.metadata),
    spec: {
      replicas,
      progressDeadlineSeconds: 600,
      revisionHistoryLimit: 10,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: '25%', maxUnavailable: '25%' } },
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { name: '', labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', image: 'image:1' }] },
      },
      ...more.spec,
    },
    ...(more.status && { status: more.status }),
  };
}

export function replicaSet(
  name: string,
  replicas: number,
  more: {
    readonly available?: number;
    readonly image?: string;
    readonly age?: number;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly status?: Partial<ReplicaSet['status']>;
    readonly spec?: Partial<ReplicaSet['spec']>;
  } = {},
): ReplicaSet {
  const available = more.available ?? replicas;
  return {
    metadata: meta(name, {
      creationTimestamp: at(-(more.age ?? 0)),
      ...(more.annotations && { annotations: more.annotations }),
    }),
    spec: {
      replicas,
      selector: { matchLabels: { app: 'web' } },
      template: {
        metadata: { name: '', labels: { app: 'web' } },
        spec: { containers: [{ name: 'main', image: more.image ?? 'image:1' }] },
      },
      ...more.spec,
    },
    status: {
      replicas,
      readyReplicas: available,
      availableReplicas: available,
      terminatingReplicas: 0,
      observedGeneration: 1,
      ...more.status,
    },
  };
}

export function job(spec: Partial<Job['spec']> = {}, status?: Job['status']): Job {
  return {
    metadata: meta('pi'),
    spec: {
      completions: 1,
      parallelism: 1,
      backoffLimit: 6,
      completionMode: 'NonIndexed',
      selector: { matchLabels: { 'batch.kubernetes.io/controller-uid': 'uid-pi' } },
      template: { spec: { restartPolicy: 'Never', containers: [{ name: 'main', image: 'image:1' }] } },
      ...spec,
    },
    ...(status && { status }),
  };
}
