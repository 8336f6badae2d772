import { type Client, type HorizontalPodAutoscaler, isJsonObject, type JsonObject } from '@keelson/core';
import { z } from 'zod';
import { discoverTypes } from '../garbage-collector/discovered-types.ts';

const Scale = z.looseObject({
  spec: z.looseObject({ replicas: z.int().default(0) }).default({ replicas: 0 }),
  status: z.looseObject({ replicas: z.int().default(0) }).default({ replicas: 0 }),
});

export interface ScaleTarget {
  readonly replicas: number;
  /** Writes the number of replicas. */
  set(replicas: number): Promise<void>;
}

/** The `scale` of what an autoscaler scales. Rejects with the API's words where there is none. */
export async function readScale(
  client: Client,
  { metadata, spec }: HorizontalPodAutoscaler,
  signal: AbortSignal,
): Promise<ScaleTarget> {
  const { apiVersion = '', kind, name } = spec.scaleTargetRef;
  const group = apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '';
  const types = await discoverTypes(client.transport, signal);
  const type = types.find((each) => each.group === group && each.kind === kind);
  if (type === undefined) throw new Error(`no matches for kind "${kind}" in group "${group}"`);
  const target = {
    group,
    version: type.version,
    resource: type.plural,
    subresource: 'scale',
    ...(metadata.namespace !== undefined && { namespace: metadata.namespace }),
    name,
    signal,
  };
  const answer = await client.transport.request({ verb: 'get', ...target });
  const scale = Scale.parse(answer);
  return {
    replicas: scale.spec.replicas,
    async set(replicas) {
      const body: JsonObject | undefined = isJsonObject(answer) ? answer : undefined;
      await client.transport.request({
        verb: 'update',
        ...target,
        body: { ...body, spec: { ...scale.spec, replicas } },
      });
    },
  };
}
