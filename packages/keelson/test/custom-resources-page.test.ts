import { readFileSync } from 'node:fs';
import { testCluster } from '@keelson/apiserver/testing';
import { Deployment, type ResourceType } from '@keelson/core';
import { expectCompatible } from '@keelson/core/testing';
import { expectRoundTrip, invalidObjectsOf, objectsOf } from '@keelson/core/testing/generators';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Website, websiteOperator } from './versioned-website.ts';

const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8');
const range = fc.tuple(fc.nat(50), fc.nat(50)).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }));
const untyped: ResourceType = Website.v1;
const given = { 'spec.scaling': range };

describe('the page about custom resources', () => {
  it('shows what is tested here', () => {
    expect(text('../../../docs/CUSTOM-RESOURCES.md')).toContain(
      `\`\`\`ts\n${text('./versioned-website.ts').trim()}\n\`\`\``,
    );
  });

  it('has an operator that works for both versions', async () => {
    const cluster = await testCluster({ plugins: [websiteOperator] });
    const { client } = cluster;
    const ref = { name: 'hello', namespace: 'default' };
    await client.create(Website.v1alpha1, { metadata: ref, spec: { text: 'hi', replicas: 3 } });
    await cluster.eventually(async () => expect((await client.get(Deployment, ref)).spec.replicas).toBe(3));
    const site = await client.get(Website.v1, ref);
    expect(site.spec).toEqual({ page: 'hi', hosts: [], scaling: { min: 3, max: 3 } });
    const wrong = { ...site, spec: { ...site.spec, scaling: { min: 9, max: 3 } } };
    await expect(client.update(Website.v1, wrong)).rejects.toThrow('spec.scaling.min: Invalid value: min is above max');
    await cluster.stop();
  });

  it('loses nothing between versions', () => expectRoundTrip(Website, { given: { v1: given } }));

  it('takes what is generated, and nothing that is broken', async () => {
    const cluster = await testCluster({ plugins: [websiteOperator] });
    const { client } = cluster;
    const dryRun = ['All'];
    await fc.assert(
      fc.asyncProperty(objectsOf(Website.v1, { given }), async (site) => {
        await client.create(Website.v1, site, { dryRun });
      }),
    );
    await fc.assert(
      fc.asyncProperty(invalidObjectsOf(Website.v1, { given }), async ({ object }) => {
        await expect(client.create(untyped, object, { dryRun })).rejects.toThrow();
      }),
    );
    await cluster.stop();
  });

  it('stays compatible', () => expectCompatible(Website.v1, new URL('./website.crd.json', import.meta.url)));
});
