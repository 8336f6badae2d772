package main

import (
	"encoding/json"
	"os"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/checker"
	"github.com/google/cel-go/common/types"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	schemacel "k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel/model"
	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

// subject is what the rules of a custom resource are about: `self` by a structural schema, and an `oldSelf` that is none.
type subject struct {
	declared *apiservercel.DeclType
	values   map[string]any
}

// readSubject reads a file with a schema and an object of it.
func readSubject(file string) (*subject, error) {
	content, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var held struct {
		Schema apiextensionsv1.JSONSchemaProps `json:"schema"`
		Self   json.RawMessage                 `json:"self"`
	}
	if err := json.Unmarshal(content, &held); err != nil {
		return nil, err
	}
	var internal apiextensions.JSONSchemaProps
	if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(&held.Schema, &internal, nil); err != nil {
		return nil, err
	}
	structural, err := structuralschema.NewStructural(&internal)
	if err != nil {
		return nil, err
	}
	var self any
	if err := utiljson.Unmarshal(held.Self, &self); err != nil {
		return nil, err
	}
	return &subject{
		declared: model.SchemaDeclType(structural, false).MaybeAssignTypeName("selfType"),
		values:   map[string]any{"self": schemacel.UnstructuredToVal(self, structural), "oldSelf": types.OptionalNone},
	}, nil
}

func (s *subject) options() environment.VersionedOptions {
	return environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions: []cel.EnvOption{
			cel.Variable("self", s.declared.CelType()),
			cel.Variable("oldSelf", types.NewOptionalType(s.declared.CelType())),
		},
		DeclTypes: []*apiservercel.DeclType{s.declared},
	}
}

// EstimateSize finds the limit that the schema sets where a path leads.
func (s *subject) EstimateSize(node checker.AstNode) *checker.SizeEstimate {
	if len(node.Path()) == 0 {
		return nil
	}
	at := s.declared
	for _, step := range node.Path()[1:] {
		switch step {
		case "@items", "@values":
			at = at.ElemType
		case "@keys":
			at = at.KeyType
		default:
			field, found := at.Fields[step]
			if !found {
				return nil
			}
			at = field.Type
		}
		if at == nil {
			return nil
		}
	}
	return &checker.SizeEstimate{Min: 0, Max: uint64(at.MaxElements)}
}

func (*subject) EstimateCallCost(string, string, *checker.AstNode, []checker.AstNode) *checker.CallEstimate {
	return nil
}
