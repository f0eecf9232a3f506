"""Surfaces against the sphere they should be."""

import numpy as np
import pytest

from mriinterp.figures.surface import surface_net


def ball(radius, centre, shape):
    grid = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), -1)
    return radius - np.linalg.norm(grid - np.array(centre), axis=-1)


def test_vertices_lie_on_the_sphere():
    vertices, _ = surface_net(ball(6.3, (9, 10, 11), (20, 22, 24)), 0.0)
    distance = np.linalg.norm(vertices - [9, 10, 11], axis=1)
    assert np.abs(distance - 6.3).max() < 0.25


def test_triangles_close_the_sphere_and_point_outwards():
    vertices, triangles = surface_net(ball(6.3, (9, 10, 11), (20, 22, 24)), 0.0)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    forth = {tuple(e) for e in edges.tolist()}
    assert len(forth) == len(edges)  # no directed edge twice: one winding throughout
    assert all((b, a) in forth for a, b in forth)  # and each has its opposite: closed
    a, b, c = (vertices[triangles[:, n]].astype(float) for n in range(3))
    volume = np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6
    assert volume == pytest.approx(4 / 3 * np.pi * 6.3**3, rel=0.03)


def test_a_volume_cut_by_the_border_is_closed():
    vertices, triangles = surface_net(np.ones((3, 4, 5), np.float32), 0.5)
    a, b, c = (vertices[triangles[:, n]].astype(float) for n in range(3))
    assert np.einsum("ij,ij->i", a, np.cross(b, c)).sum() > 0
    assert vertices.min() >= -1
    assert (vertices.max(axis=0) <= [3, 4, 5]).all()


def test_nothing_crosses():
    vertices, triangles = surface_net(np.zeros((3, 4, 5)), 1.0)
    assert vertices.shape == (0, 3)
    assert triangles.shape == (0, 3)
