import { notAllowedTo } from '../authorization/forbidden.ts';
import { questionAbout } from '../authorization/selection.ts';
import type { Call } from './admission-chain.ts';
import type { RegistryContext } from './context.ts';

/**
 * Who may update or patch has leave for what is there. Where that would create, leave to create is asked for as well, as
 * by Kubernetes: once the new object is known to be valid. Throws 403.
 */
export async function permitCreate({ authorizer }: RegistryContext, { request, user }: Call): Promise<void> {
  if (request.verb === 'create') return;
  const { group, version, resource, namespace, name } = request;
  const question = questionAbout(user, { verb: 'create', group, version, resource, namespace, name });
  const decision = await authorizer.authorize(question);
  if (!decision.allowed) throw notAllowedTo(question, decision);
}
