"""Networks as laboratories have them, written after their publications, for small scans."""

from torch import nn


class Conv5FC3(nn.Module):
    """Five convolutions and three dense layers with padded pooling, as in ClinicaDL (Wen et al. 2020)."""

    def __init__(self, shape, classes=2):
        super().__init__()
        layers, channels, sizes = [], 1, list(shape)
        for width in (8, 16, 32, 64):
            layers += [
                nn.Conv3d(channels, width, 3, padding=1),
                nn.BatchNorm3d(width),
                nn.ReLU(),
                nn.ConstantPad3d([n for size in reversed(sizes) for n in (0, size % 2)], 0.0),
                nn.MaxPool3d(2),
            ]
            channels, sizes = width, [-(-size // 2) for size in sizes]
        features = channels * sizes[0] * sizes[1] * sizes[2]
        self.convolutions = nn.Sequential(*layers)
        self.fc = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.5), nn.Linear(features, 130), nn.ReLU(), nn.Linear(130, 50), nn.ReLU(),
            nn.Linear(50, classes),
        )  # fmt: skip

    def forward(self, x):
        return self.fc(self.convolutions(x))


class SFCN(nn.Module):
    """A fully convolutional network that returns a list of log-probabilities of ages (Peng et al. 2021)."""

    def __init__(self, bins=40, widths=(8, 16, 32, 16)):
        super().__init__()
        self.features, channels = nn.Sequential(), 1
        for n, width in enumerate(widths):
            last = n == len(widths) - 1
            pool = [] if last else [nn.MaxPool3d(2)]
            convolution = nn.Conv3d(channels, width, 1 if last else 3, padding=0 if last else 1)
            self.features.append(nn.Sequential(convolution, nn.BatchNorm3d(width), *pool, nn.ReLU()))
            channels = width
        self.classifier = nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Dropout(0.5), nn.Conv3d(channels, bins, 1))

    def forward(self, x):
        return [nn.functional.log_softmax(self.classifier(self.features(x)), dim=1)]
