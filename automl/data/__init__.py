"""Images and labels: from a name or a path to batches on the device.

loading          a data set by name or path
dataset          the data set: pixels, labels and splits
identity         what a study keeps of a data set
sizing           the shape of all images, and the rule by which they come to it
split_names      the names of the splits
pixel_range      the scale of images of more than 8 bits
sources          what a path or a name means, and where its images and labels are
source_contents  the contents of a source: labels at once, pixels later
in_memory        arrays, images and labels that a Python program holds
tables           tables of paths and labels
labels           labels and splits as numbers
splits           splits as the source gives them, or cut from train
groups           images that must stay in one split
decoding         files and arrays to pixels of one shape
cache            decoded sources on the disk, one folder each
cache_format     the files of such a folder
disk_space       the file of decoded pixels, and the errors of a full disk
batches          batches on the device, normalized and augmented
inspection       a look at data before anything is trained
"""
