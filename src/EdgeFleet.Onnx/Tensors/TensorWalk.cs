using EdgeFleet.Onnx.Schema;

namespace EdgeFleet.Onnx.Tensors;

/// <summary>Every tensor that a graph holds: initializers, constants in attributes, and those of its subgraphs.</summary>
internal static class TensorWalk
{
    public static IEnumerable<TensorProto> All(GraphProto graph)
    {
        foreach (TensorProto tensor in graph.Initializer)
        {
            yield return tensor;
        }

        foreach (SparseTensorProto sparse in graph.SparseInitializer)
        {
            foreach (TensorProto part in Parts(sparse))
            {
                yield return part;
            }
        }

        foreach (AttributeProto attribute in graph.Node.SelectMany(node => node.Attribute))
        {
            foreach (TensorProto tensor in InAttribute(attribute))
            {
                yield return tensor;
            }
        }
    }

    private static IEnumerable<TensorProto> InAttribute(AttributeProto attribute)
    {
        IEnumerable<TensorProto> own = attribute.T is null ? attribute.Tensors : attribute.Tensors.Prepend(attribute.T);
        IEnumerable<SparseTensorProto> sparse =
            attribute.SparseTensor is null ? attribute.SparseTensors : attribute.SparseTensors.Prepend(attribute.SparseTensor);
        IEnumerable<GraphProto> graphs = attribute.G is null ? attribute.Graphs : attribute.Graphs.Prepend(attribute.G);
        return own.Concat(sparse.SelectMany(Parts)).Concat(graphs.SelectMany(All));
    }

    private static IEnumerable<TensorProto> Parts(SparseTensorProto sparse)
    {
        if (sparse.Values is not null)
        {
            yield return sparse.Values;
        }

        if (sparse.Indices is not null)
        {
            yield return sparse.Indices;
        }
    }
}
