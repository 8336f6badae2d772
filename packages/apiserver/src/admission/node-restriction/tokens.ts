import { Pod, StatusError, type TokenRequest } from '@keelson/core';
import { refuse } from '../refuse.ts';
import { audiencesOf } from './audiences.ts';
import type { Restrict } from './restrict.ts';

/** A kubelet asks for tokens bound to its pods, and for audiences that these name (KEP-4412) or that it was granted. */
export const restrictToken: Restrict = async (node, attributes, { reader, authorizer }) => {
  const { operation, subresource, namespace = '', name, object, user } = attributes;
  if (operation !== 'CREATE' || subresource !== 'token') return;
  const fail = (why: string) => refuse(attributes, why);
  // The registry has decoded it as the kind of this subresource.
  const { audiences: asked, boundObjectRef: bound } = (object as TokenRequest | undefined)?.spec ?? {};
  const audiences = asked ?? [];
  if (bound?.kind !== 'Pod' || bound.apiVersion !== 'v1' || !bound.name) {
    throw fail('node requested token not bound to a pod');
  }
  if (!bound.uid) throw fail('node requested token with a pod binding without a uid');
  const pod = await reader.get(Pod, bound.name, namespace);
  if (!pod) throw StatusError.notFound({ group: '', resource: 'pod' }, bound.name);
  if (pod.metadata.uid !== bound.uid) {
    throw fail(
      `the UID in the bound object reference (${bound.uid}) does not match the UID in record. ` +
        'The object might have been deleted and then recreated',
    );
  }
  if (pod.spec.nodeName !== node) throw fail('node requested token bound to a pod scheduled on a different node');
  if (audiences.length > 1) throw fail('node may only request 0 or 1 audiences');
  const [audience] = audiences;
  if (!audience) return;
  const quoted = JSON.stringify(audience);
  const { found, errors } = await audiencesOf(pod, reader);
  if (found.has(audience)) return;
  if (errors.length > 0) {
    const told = errors.length === 1 ? errors[0] : `[${errors.join(', ')}]`;
    throw fail(`error validating audience ${quoted}: ${told}`);
  }
  const verb = 'request-serviceaccounts-token-audience';
  if ((await authorizer.authorize({ user, verb, group: '', resource: audience, namespace, name })).allowed) return;
  throw fail(
    `audience ${quoted} not found in pod spec volume, ${user.name} is not authorized to request tokens for this audience`,
  );
};
