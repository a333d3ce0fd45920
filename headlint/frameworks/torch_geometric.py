"""What PyTorch Geometric's layers do, as its documentation and ``torch_geometric/nn/conv`` say.

A convolution takes one row of features a node, and edges, and gives one row a node.
"""

from __future__ import annotations

from headlint.frameworks.kinds import LayerKind

_OF_ONE_WIDTH = (
    *("GCNConv", "SAGEConv", "GraphConv", "ChebConv", "TAGConv", "ARMAConv", "SGConv", "LEConv", "ClusterGCNConv"),
    *("MFConv", "FeaStConv", "ResGatedGraphConv", "RGCNConv", "FastRGCNConv", "GMMConv", "GeneralConv"),
)
_OF_SEVERAL_HEADS = ("GATConv", "GATv2Conv", "TransformerConv", "SuperGATConv")

LAYERS = (
    *(
        LayerKind(f"torch_geometric.nn.{name}", "torch", "graph", ("in_channels", "out_channels"), units="out_channels")
        for name in _OF_ONE_WIDTH
    ),
    *(
        LayerKind(f"torch_geometric.nn.{name}", "torch", "graph", ("in_channels", "out_channels", "heads", "concat"))
        for name in _OF_SEVERAL_HEADS
    ),
)
