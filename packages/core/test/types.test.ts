import {
  allow,
  type Client,
  ConfigMap,
  type CustomResource,
  change,
  Deployment,
  defineOperator,
  defineResource,
  defineVersions,
  defineWebhook,
  deny,
  generationChanged,
  type Informers,
  Namespace,
  type NewObject,
  ownerReferenceTo,
  Pod,
  type ResourceObject,
  type ResourceType,
  Secret,
  Service,
  watch,
} from '@keelson/core';
import { objectsOf } from '@keelson/core/testing/generators';
import { describe, expectTypeOf, it } from 'vitest';
import { z } from 'zod';

// What is here is checked by the compiler; little of it runs.

const Website = defineResource({
  group: 'example.com',
  version: 'v1',
  kind: 'Website',
  spec: z.object({
    page: z.string(),
    replicas: z.int().default(2),
    hosts: z.array(z.object({ name: z.string() })).default([]),
    labels: z.record(z.string(), z.string()).optional(),
  }),
  status: z.object({ url: z.string(), ready: z.int(), seen: z.array(z.string()) }),
});
type Website = ResourceObject<typeof Website>;
const reconcile = async () => undefined;
const use = (..._: readonly unknown[]) => undefined;
/** Type checked and never called. */
const never = (_: (site: Website, client: Client, informers: Informers) => unknown) => undefined;

describe('objects of a resource', () => {
  it('are read with defaults, and written without', () => {
    expectTypeOf<Website['spec']['replicas']>().toEqualTypeOf<number>();
    expectTypeOf<NewObject<Website>['spec']['replicas']>().toEqualTypeOf<number | undefined>();
    never((_, client) => [
      client.create(Website, { metadata: { name: 'x' }, spec: { page: 'x' } }),
      // @ts-expect-error the page is required
      client.create(Website, { metadata: { name: 'x' }, spec: { replicas: 1 } }),
      // @ts-expect-error and so is the spec
      client.create(Website, { metadata: { name: 'x' } }),
      // @ts-expect-error there is no such field
      client.create(Website, { metadata: { name: 'x' }, spec: { page: 'x', colour: 'red' } }),
    ]);
    expectTypeOf(objectsOf(Website)).toExtend<{ generate: unknown }>();
    expectTypeOf<Website>().toExtend<CustomResource<{ page: string }, { url: string }>>();
  });

  it('need no spec where all of it has defaults', () => {
    const Empty = defineResource({
      group: 'example.com',
      version: 'v1',
      kind: 'Empty',
      spec: z.object({ size: z.int().default(1) }),
    });
    never((_, client) => client.create(Empty, { metadata: { name: 'x' } }));
  });

  it('of built-in kinds need a spec where something in it is needed', () => {
    expectTypeOf<Namespace['spec']>().not.toBeNullable();
    never((_, client) => [
      client.create(Namespace, { metadata: { name: 'x' } }),
      client.create(Namespace, { metadata: { name: 'x' }, spec: { finalizers: [] } }),
      // @ts-expect-error there is no such field
      client.create(Namespace, { metadata: { name: 'x' }, spec: { colour: 'red' } }),
      // @ts-expect-error a pod has containers
      client.create(Pod, { metadata: { name: 'x' } }),
    ]);
  });

  it('are shared, and so cannot be changed at any depth', () => {
    never((site, _, informers) => {
      const pod = informers.for(Pod).lister.list()[0];
      if (!pod) return;
      // @ts-expect-error a field
      site.spec.page = 'x';
      // @ts-expect-error a field of an item
      site.spec.hosts[0].name = 'x';
      // @ts-expect-error an item
      site.spec.hosts[0] = { name: 'x' };
      // @ts-expect-error a list
      site.spec.hosts.push({ name: 'x' });
      // @ts-expect-error in place
      site.spec.hosts.sort();
      // @ts-expect-error in place
      site.status?.seen?.reverse();
      // @ts-expect-error a map
      site.spec.labels.x = 'y';
      // @ts-expect-error labels
      site.metadata.labels.x = 'y';
      // @ts-expect-error finalizers
      site.metadata.finalizers?.splice(0, 1);
      // @ts-expect-error objects of the API itself
      pod.spec.nodeName = 'x';
      // @ts-expect-error their lists
      pod.spec.containers.push({ name: 'x' });
      // @ts-expect-error the list that a lister gives
      informers.for(Pod).lister.list().sort();
      // @ts-expect-error nor is anything taken away
      delete site.spec.labels;
      use(site.spec.hosts.toSorted(), { ...site.spec, page: 'x' });
    });
  });
});

describe('operators', () => {
  it('write the status that they have', () => {
    defineOperator({
      name: 'website',
      for: Website,
      async reconcile(_, { setStatus }) {
        setStatus({ url: 'x', ready: 1 });
        // @ts-expect-error there is no such field
        setStatus({ address: 'x' });
        // @ts-expect-error it is a number
        setStatus({ ready: 'one' });
      },
    });
  });

  it('make the kinds that they own', () => {
    defineOperator({
      name: 'website',
      for: Website,
      owns: [Deployment, Service],
      async reconcile(_, { apply, remove, prune, children }) {
        await apply(Service, { spec: { ports: [{ port: 80 }] } });
        // @ts-expect-error it is not declared that pods are owned
        await apply(Pod, { spec: { containers: [] } });
        // @ts-expect-error a Service has ports with numbers
        await apply(Service, { spec: { ports: [{ port: 'http' }] } });
        // @ts-expect-error a Deployment has a spec
        await apply(Deployment, {});
        // @ts-expect-error nor are they to be removed
        await remove(Pod, 'x');
        // @ts-expect-error or pruned
        await prune(Pod);
        // @ts-expect-error or looked for
        use(children(Pod));
        expectTypeOf(children(Deployment)).toEqualTypeOf<readonly Deployment[]>();
        await prune(Deployment);
      },
    });
  });

  it('are owners by their type and object', () => {
    never((site, _, informers) => {
      use(ownerReferenceTo(site, Website), watch(informers.for(Pod)).owner(Website));
      // @ts-expect-error the other way around
      use(ownerReferenceTo(Website, site));
      // @ts-expect-error an owner is a type, not its name
      use(watch(informers.for(Pod)).owner('Website'));
    });
    // @ts-expect-error what is owned is a type, not its name
    use(() => defineOperator({ name: 'x', for: Website, owns: ['Deployment'], reconcile }));
    // @ts-expect-error an operator is for a type
    use(() => defineOperator({ name: 'x', for: 'Website', reconcile }));
  });

  it('tell kinds apart that have the same fields', () => {
    defineOperator({
      name: 'website',
      for: Website,
      owns: [ConfigMap],
      async reconcile(_, { apply, children }) {
        await apply(ConfigMap, { data: { a: 'b' } });
        // @ts-expect-error a Secret has all that a ConfigMap has, and is none
        await apply(Secret, { data: { a: 'b' } });
        // @ts-expect-error nor are there any among the children
        children(Secret);
      },
    });
    // What a type is for may be left open.
    const any: ResourceType<ConfigMap> = ConfigMap;
    use(() => any);
  });

  it('refer by fields that there are', () => {
    defineOperator({
      name: 'website',
      for: Website,
      references: [
        { type: ConfigMap, by: ({ spec }) => spec.hosts.map(({ name }) => name) },
        // @ts-expect-error there is no such field
        { type: ConfigMap, by: ({ spec }) => [spec.configuration] },
      ],
      when: generationChanged,
      reconcile,
    });
  });

  it('name dependents that there are', () => {
    use(() =>
      defineOperator({
        name: 'website',
        for: Website,
        // @ts-expect-error there is no such dependent
        dependents: ({ child }) => ({
          service: child(Service, { make: () => ({ spec: { ports: [{ port: 80 }] } }) }),
          config: child(ConfigMap, { after: ['sevice'], make: () => ({ data: {} }) }),
        }),
      }),
    );
  });
});

describe('webhooks', () => {
  it('are asked about objects of their kind', () => {
    defineOperator({
      name: 'website',
      for: Website,
      validate({ object, oldObject, operation, user, dryRun }) {
        expectTypeOf(object).toEqualTypeOf<Website>();
        expectTypeOf(oldObject).toEqualTypeOf<Website | undefined>();
        expectTypeOf(operation).toEqualTypeOf<'CREATE' | 'UPDATE'>();
        expectTypeOf(user.groups).toEqualTypeOf<readonly string[]>();
        expectTypeOf(dryRun).toEqualTypeOf<boolean>();
        // There is an old one whenever one is updated.
        if (operation === 'UPDATE') expectTypeOf(oldObject).toEqualTypeOf<Website>();
        // @ts-expect-error there is no such field
        return object.spec.colour === 'red' ? deny('not red') : allow();
      },
      mutate({ object }) {
        // @ts-expect-error it is shared
        object.spec.page = 'x';
        return { ...object, spec: { ...object.spec, replicas: 3 } };
      },
    });
    use(
      () =>
        defineOperator({
          name: 'website',
          for: Website,
          // @ts-expect-error it is a number
          mutate: ({ object }) => ({ ...object, spec: { ...object.spec, replicas: 'three' } }),
        }),
      () =>
        defineOperator({
          name: 'website',
          for: Website,
          // @ts-expect-error whoever validates changes nothing
          validate: ({ object }) => change(object),
        }),
      () =>
        defineOperator({
          name: 'website',
          for: Website,
          // @ts-expect-error yes or no is said by allow and deny
          validate: () => true,
        }),
    );
  });

  it('know what they are about by the operations that they name', () => {
    defineWebhook({
      name: 'kept',
      for: Pod,
      operations: ['DELETE'],
      validate({ object, oldObject }) {
        expectTypeOf(object).toEqualTypeOf<undefined>();
        expectTypeOf(oldObject).toEqualTypeOf<Pod>();
      },
    });
    defineWebhook({
      name: 'any',
      for: Pod,
      operations: ['CREATE', 'DELETE'],
      validate(request) {
        expectTypeOf(request.object).toEqualTypeOf<Pod | undefined>();
        if (request.operation === 'CREATE') expectTypeOf(request.object).toEqualTypeOf<Pod>();
        // @ts-expect-error it is not asked about those
        use(request.operation === 'UPDATE');
      },
    });
    use(
      // @ts-expect-error there is no such operation
      () => defineWebhook({ name: 'x', for: Pod, operations: ['GET'], validate: () => undefined }),
      // @ts-expect-error a webhook is for a type
      () => defineWebhook({ name: 'x', for: 'Pod', validate: () => undefined }),
      // @ts-expect-error a change of another kind
      () => defineWebhook({ name: 'x', for: Pod, mutate: (): Service => ({ metadata: {} }) }),
      // @ts-expect-error there is no such policy
      () => defineWebhook({ name: 'x', for: Pod, failurePolicy: 'Maybe', validate: () => undefined }),
    );
    // @ts-expect-error webhooks are defined
    use(() => defineOperator({ name: 'x', for: Pod, webhooks: [{ name: 'x', validate: () => undefined }] }));
  });
});

describe('versions', () => {
  const versions = {
    v1: {
      spec: z.object({ page: z.string(), lit: z.boolean().default(false) }),
      status: z.object({ url: z.string() }),
    },
    v1alpha1: { spec: z.object({ text: z.string() }) },
  };
  const names = { group: 'example.com', kind: 'Page', hub: 'v1', versions } as const;
  const fromHub = ({ spec }: { readonly spec: { readonly page: string } }) => ({ spec: { text: spec.page } });

  it('have types of their own', () => {
    const toHub = () => ({ spec: { page: '', lit: false }, status: undefined });
    const Page = defineVersions({ ...names, conversions: { v1alpha1: { toHub, fromHub } } });
    expectTypeOf<ResourceObject<typeof Page.v1>['spec']>().toEqualTypeOf<{
      readonly page: string;
      readonly lit: boolean;
    }>();
    expectTypeOf<ResourceObject<typeof Page.v1alpha1>['spec']>().toEqualTypeOf<{ readonly text: string }>();
    // @ts-expect-error there is no such version
    use(Page.v2);
  });

  it('are converted in full, both ways', () => {
    use(
      // @ts-expect-error a version without a conversion
      () => defineVersions({ ...names, conversions: {} }),
      () =>
        defineVersions({
          ...names,
          conversions: {
            v1alpha1: {
              // @ts-expect-error `lit` has a default, which nobody puts in
              toHub: ({ spec }) => ({ spec: { page: spec.text }, status: undefined }),
              fromHub,
            },
          },
        }),
      () =>
        defineVersions({
          ...names,
          conversions: {
            v1alpha1: {
              // @ts-expect-error the status is forgotten
              toHub: ({ spec }) => ({ spec: { page: spec.text, lit: true } }),
              fromHub,
            },
          },
        }),
      () =>
        defineVersions({
          ...names,
          conversions: {
            v1alpha1: {
              // @ts-expect-error there is no such field in v1alpha1
              toHub: ({ spec }) => ({ spec: { page: spec.page, lit: true }, status: undefined }),
              // @ts-expect-error it has another name in v1alpha1
              fromHub: ({ spec }) => ({ spec: { txt: spec.page } }),
            },
          },
        }),
      () =>
        // @ts-expect-error no such version to convert by
        defineVersions({ ...names, hub: 'v2', conversions: {} }),
      () =>
        defineVersions({
          ...names,
          // @ts-expect-error one way only
          conversions: { v1alpha1: { fromHub } },
        }),
    );
  });
});
