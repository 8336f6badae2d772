import { describe, expect, it } from 'vitest';
import { CelEnvironment } from './environment.ts';
import { admissionVariables, kindType, namespaceOf } from './kubernetes-types.ts';
import { kubernetesLibraries } from './library/index.ts';
import { standardLibrary } from './standard/standard-library.ts';

type Kind = readonly [group: string, version: string, kind: string];

const libraries = [standardLibrary, ...kubernetesLibraries()];

function mistake(text: string, kind?: Kind): string | undefined {
  const object = kind && kindType(...kind);
  const variables = { ...admissionVariables, ...(object && { object, oldObject: object }) };
  const compiled = new CelEnvironment({ libraries, variables }).compile(text);
  return compiled.failure && compiled.message.split('\n')[0]?.replace(/^ERROR: <input>:/, '');
}

const unequal = (where: string, left: string, right = 'int') =>
  `${where}: found no matching overload for '_==_' applied to '(${left}, ${right})'`;

/** What a v1.35 server warned of in the status of policies; the numbers that it puts behind the kind are left out. */
const answers: readonly (readonly [readonly [string, string, string], ...(readonly [string, string | undefined])[]])[] =
  [
    [
      ['apps', 'v1', 'Deployment'],
      ['object == 1', unequal('1:8', 'Deployment')],
      ['object.spec == 1', unequal('1:13', 'Deployment.spec')],
      ["object.spec.replicas == 'a'", unequal('1:22', 'int', 'string')],
      ["oldObject.spec.replicas == ''", unequal('1:25', 'int', 'string')],
      [
        'object.spec.template.spec.containers == 1',
        unequal('1:38', 'list(Deployment.spec.template.spec.containers.@idx)'),
      ],
      ['object.spec.strategy.rollingUpdate.maxSurge == 1', undefined],
      ['object.spec.strategy.rollingUpdate.maxSurge == []', undefined],
      ['object.spec.template.spec.containers[0].resources.limits == 1', "1:50: undefined field 'limits'"],
      ['object.spec.template.spec.volumes[0].emptyDir.sizeLimit == []', "1:46: undefined field 'sizeLimit'"],
      ['object.metadata.creationTimestamp == 1', unequal('1:35', 'timestamp')],
      [
        'object.metadata.managedFields[0].fieldsV1 == 1',
        unequal('1:43', 'Deployment.metadata.managedFields.@idx.fieldsV1'),
      ],
      ['object.metadata.labels == 1', unequal('1:24', 'map(string, string)')],
      ['object.foo == 1', "1:7: undefined field 'foo'"],
      ['has(object.spec.foo)', "1:4: undefined field 'foo'"],
      ['object.spec.template.spec.__namespace__ == 1', "1:26: undefined field '__namespace__'"],
      ['object.metadata.__namespace__ == 1', unequal('1:31', 'string')],
      ['object.metadata.namespace == 1', unequal('1:27', 'string')],
      ['object.spec.template.spec.containers.all(c, c.image == 1)', unequal('1:53', 'string')],
    ],
    [
      ['', 'v1', 'Secret'],
      ['object.data == 1', unequal('1:13', 'map(string, bytes)')],
      ['object.stringData == 1', unequal('1:19', 'map(string, string)')],
    ],
    [
      ['', 'v1', 'Node'],
      ['object.status.capacity == 1', "1:14: undefined field 'capacity'"],
    ],
    [
      ['apps', 'v1', 'ControllerRevision'],
      ['object.data == 1', unequal('1:13', 'ControllerRevision.data')],
    ],
    [
      ['', 'v1', 'Service'],
      ['object.spec.ports[0].targetPort == []', undefined],
    ],
    [
      ['resource.k8s.io', 'v1', 'ResourceSlice'],
      [
        'object.spec.devices[0].capacity == 1',
        unequal('1:33', 'map(string, ResourceSlice.spec.devices.@idx.capacity.@elem)'),
      ],
    ],
    [
      ['apiextensions.k8s.io', 'v1', 'CustomResourceDefinition'],
      [
        'object.spec.versions[0].schema.openAPIV3Schema.properties == 1',
        unequal(
          '1:59',
          'map(string, CustomResourceDefinition.spec.versions.@idx.schema.openAPIV3Schema.properties.@elem)',
        ),
      ],
      ['object.spec.versions[0].schema.openAPIV3Schema.default == 1', "1:47: undefined field 'default'"],
    ],
  ];

describe('types of objects that policies are checked by', () => {
  it.each(answers.map(([kind, ...expressions]) => ({ kind, expressions })))('$kind', ({ kind, expressions }) => {
    expect(expressions.map(([text]) => [text, mistake(text, kind)])).toEqual(expressions);
  });

  it('knows what a policy sees of a request and of a namespace', () => {
    expect(mistake('namespaceObject.metadata.uid')).toBe("1:25: undefined field 'uid'");
    expect(mistake("'%s'.format([request])")).toContain('was given kubernetes.AdmissionRequest');
    expect(mistake("request.userInfo.extra['a'][0] == request.kind.group && object.anything == 1")).toBeUndefined();
    expect(mistake('authorizer.requestResource.check("get").allowed()')).toBeUndefined();
    expect(mistake('params.x == 1')).toBe("1:1: undeclared reference to 'params' (in container '')");
  });

  it('shows of a namespace what Kubernetes shows', () => {
    const metadata = { name: 'a', uid: 'u', labels: { b: 'c' } };
    const managed = { ...metadata, managedFields: [], ownerReferences: [] };
    expect(namespaceOf({ metadata: managed, spec: { finalizers: ['kubernetes'] } })).toEqual({
      metadata,
      spec: { finalizers: ['kubernetes'] },
    });
  });
});
