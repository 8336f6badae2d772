import { describe, expect, it } from 'vitest';
import { CelEnvironment } from '../environment.ts';
import { standardLibrary } from '../standard/standard-library.ts';
import { authorizerType, type CelAuthorize, CelAuthorizer } from './authorizer.ts';
import { kubernetesLibraries } from './kubernetes-libraries.ts';

const environment = new CelEnvironment({
  libraries: [standardLibrary, ...kubernetesLibraries()],
  variables: { authorizer: authorizerType },
});

function program(text: string) {
  const compiled = environment.compile(text);
  if (compiled.failure) throw new Error(compiled.message);
  return compiled.program;
}

const user = { name: 'jane', groups: [] };

describe('the authorizer in expressions', () => {
  it('waits for answers, and asks each question once', async () => {
    const asked: string[] = [];
    const authorize: CelAuthorize = async ({ verb, resource = '' }) => {
      asked.push(`${verb} ${resource}`);
      return { allowed: verb === 'get', reason: '' };
    };
    const pods = 'authorizer.group("").resource("pods")';
    const text = `${pods}.check("get").allowed() && !${pods}.check("list").allowed() && ${pods}.check("get").allowed()`;
    const result = await program(text).evaluateAsync({ authorizer: new CelAuthorizer(user, authorize) });
    expect(result.value).toBe(true);
    expect(asked).toEqual(['get pods', 'list pods']);
  });

  it('cannot be asked what has to be waited for without waiting', () => {
    const authorizer = new CelAuthorizer(user, async () => ({ allowed: true, reason: '' }));
    expect(program('authorizer.path("/x").check("get").allowed()').evaluate({ authorizer }).error).toBeDefined();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no connection');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no connection'))],
  ] as const)('tells the error of an authorizer that %s', async (_, authorize) => {
    const text = 'authorizer.path("/x").check("get").error() + string(authorizer.path("/x").check("get").allowed())';
    const result = await program(text).evaluateAsync({ authorizer: new CelAuthorizer(user, authorize) });
    expect(result.value).toBe('no connectionfalse');
  });

  it('does not take the answer to another question for its own', () => {
    const authorizer = new CelAuthorizer(user, ({ name, user: { name: who } }) => ({
      allowed: name === 'a',
      reason: who,
    }));
    const text = `['a', 'b'].map(n, authorizer.group('').resource('pods').name(n).check('get').allowed()) == [true, false] &&
      authorizer.serviceAccount('x', 'y').path('/z').check('get').reason() == 'system:serviceaccount:x:y'`;
    expect(program(text).evaluate({ authorizer }).value).toBe(true);
  });
});
