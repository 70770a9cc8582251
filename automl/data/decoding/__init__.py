"""From files and arrays to pixels of one shape.

decoder                image files to pixels, on all cores
chunks                 headers, value ranges and pixels of some images, inside a process
decoding_processes     the processes that decode
decode_log             progress of a decoding, from which an interrupted one continues
containers             image files in a folder or a zip
zip_names              names in a zip without a recorded encoding
encoding_plausibility  plausibility of such names in each encoding
pixels                 one image to pixels of a shape
shapes                 one shape for images of many sizes
transparency           the background of transparent images
deep                   raw values of images of more than 8 bits
depth                  the scale of such images, chosen by the training images
arrays                 images that come as arrays
"""
