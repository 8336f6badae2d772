import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestCluster, type TestCluster } from '@keelson/apiserver';
import {
  allow,
  ConfigMap,
  defineOperator,
  defineWebhook,
  deny,
  MutatingWebhookConfiguration,
  Namespace,
  Secret,
  ValidatingWebhookConfiguration,
} from '@keelson/core';
import type { AnyPlugin } from '@keelson/core/host';
import { afterEach, describe, expect, it } from 'vitest';
import { haveKubectl } from './cluster-process.ts';
import {
  answersOfKubectl,
  configurations,
  Disk,
  diskIn,
  diskOperator,
  kubectlSays,
  ruledOperator,
  useOlderVersion,
  useWebhooks,
} from './webhook-operator.ts';

const disk = diskIn('default');

describe('the webhooks of an operator', () => {
  let cluster: TestCluster | undefined;
  afterEach(async () => {
    await cluster?.stop();
    cluster = undefined;
  });
  const start = async (...plugins: readonly AnyPlugin[]) => {
    cluster = await startTestCluster({ plugins });
    return cluster;
  };

  it('allow, change, refuse and fail, for its own kind and others', async () => {
    const { client } = await start(diskOperator as AnyPlugin);
    await useWebhooks(client, 'default');
  });

  it('stand in configurations with the defaults of mature tools, which go with the process', async () => {
    const { client, host } = await start(diskOperator as AnyPlugin);
    const name = 'disks.webhooks.keelson.dev';
    const { webhooks: validating } = await client.get(ValidatingWebhookConfiguration, { name });
    const { webhooks: mutating } = await client.get(MutatingWebhookConfiguration, { name });
    const short = (all: typeof validating) => all?.map((each) => each.name.replace(`.${name}`, ''));
    expect(short(validating)).toEqual(['validate', 'keep', 'quick', 'teams']);
    expect(short(mutating)).toEqual(['mutate', 'loose', 'teams', 'noted']);
    expect(validating?.[0]).toMatchObject({
      clientConfig: { url: expect.stringMatching(/^https:\/\/127\.0\.0\.1:\d+\/validate\/disks\/validate$/) },
      rules: [
        {
          operations: ['CREATE', 'UPDATE'],
          apiGroups: ['webhooks.keelson.dev'],
          apiVersions: ['v1'],
          resources: ['disks'],
          scope: 'Namespaced',
        },
      ],
      failurePolicy: 'Fail',
      matchPolicy: 'Equivalent',
      sideEffects: 'None',
      timeoutSeconds: 10,
      admissionReviewVersions: ['v1'],
    });
    expect(mutating?.[1]).toMatchObject({ failurePolicy: 'Ignore', reinvocationPolicy: 'Never' });
    await host.stop();
    expect(await configurations(client)).toEqual([]);
    await client.create(Disk, disk('unasked', { size: 5000 }));
  });

  it('may be all that an operator is, and then give it no right but for that', async () => {
    const policy = defineOperator({
      name: 'policy',
      for: ConfigMap,
      async validate({ namespace = '', signal }, { informers }) {
        const namespaces = informers.for(Namespace);
        await namespaces.waitForSync(signal);
        return namespaces.lister.get(namespace) ? allow() : deny('nobody knows the namespace');
      },
      uses: [Namespace],
      webhooks: [
        defineWebhook({
          name: 'curious',
          for: ConfigMap,
          operations: ['DELETE'],
          async validate(_, { client }) {
            await client.list(Secret);
          },
        }),
      ],
    });
    expect(policy.rules).toEqual([
      { apiGroups: [''], resources: ['namespaces'], verbs: ['get', 'list', 'watch'] },
      {
        apiGroups: ['admissionregistration.k8s.io'],
        resources: ['validatingwebhookconfigurations'],
        resourceNames: ['policy.keelson.dev'],
        verbs: ['get', 'create', 'patch', 'delete'],
      },
    ]);
    const { client } = await start(policy as AnyPlugin);
    const { metadata } = await client.create(ConfigMap, { metadata: { name: 'a', namespace: 'default' } });
    await expect(client.delete(ConfigMap, metadata)).rejects.toThrow(
      `("the operator \\"policy\\" has not declared that it may list secrets: add { type: Secret, verbs: ['list'] } to its \`uses\`")`,
    );
  });

  it('are asked about every version as the one that the operator is for', async () => {
    const { client } = await start(ruledOperator as AnyPlugin);
    await useOlderVersion(client, 'default');
  });

  it.skipIf(!haveKubectl)('are told by kubectl as those of any other operator', async () => {
    cluster = await startTestCluster({ plugins: [diskOperator as AnyPlugin], socket: true });
    const dir = await mkdtemp(join(tmpdir(), 'webhooks-'));
    try {
      const kubeconfig = join(dir, 'kubeconfig');
      await writeFile(kubeconfig, cluster.kubeconfig ?? '', { mode: 0o600 });
      expect(await kubectlSays(kubeconfig, 'default')).toEqual(answersOfKubectl);
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
});
